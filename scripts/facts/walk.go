package main

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// scalars have rules of their own on the wire; the grammar names them.
var scalars = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time]():          "Time",
	reflect.TypeFor[metav1.MicroTime]():     "MicroTime",
	reflect.TypeFor[metav1.Duration]():      "Duration",
	reflect.TypeFor[metav1.FieldsV1]():      "FieldsV1",
	reflect.TypeFor[resource.Quantity]():    "Quantity",
	reflect.TypeFor[intstr.IntOrString]():   "IntOrString",
	reflect.TypeFor[runtime.RawExtension](): "RawExtension",
	reflect.TypeFor[apiextensionsv1.JSON](): "JSON",
	reflect.TypeFor[any]():                  "JSON", // the cells of a Table
}

// unions choose between the JSON forms of their members; as messages they are ordinary.
var unions = map[reflect.Type]bool{
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrArray]():       true,
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrBool]():        true,
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrStringArray](): true,
}

var kindNames = map[reflect.Kind]string{
	reflect.Bool: "bool", reflect.Int32: "int32", reflect.Int64: "int64", reflect.Uint64: "uint64",
	reflect.Float64: "float64", reflect.String: "string",
}

// walker turns struct types into blocks, and follows what they refer to.
type walker struct {
	api   *api
	rules openapiRules
	seen  map[reflect.Type]bool
}

func (w *walker) block(word string, goType reflect.Type) *block {
	b := &block{word: word, name: goType.Name(), goType: goType}
	w.seen[goType] = true
	owner := w.api.byPath[goType.PkgPath()]
	switch {
	case isTransparent(goType):
		b.attributes.flag("transparent", true)
		b.rows = []row{{number: 1, name: "items", kind: w.typeName(owner, goType.Elem(), "[]")}}
	case unions[goType]:
		b.attributes.flag("union", true)
		b.rows = w.unionRows(owner, goType)
	default:
		w.checkMarshaler(goType)
		b.rows = w.rows(owner, goType, "")
	}
	w.rules.describe(w.api, owner, b)
	return b
}

// isTransparent holds for named slices that have a protobuf message of their own.
func isTransparent(goType reflect.Type) bool {
	_, message := reflect.PointerTo(goType).MethodByName("Marshal")
	return goType.Kind() == reflect.Slice && message
}

func (w *walker) checkMarshaler(goType reflect.Type) {
	pointer := reflect.PointerTo(goType)
	if pointer.Implements(reflect.TypeFor[json.Marshaler]()) || pointer.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		w.api.odd(fmt.Sprintf("%s marshals itself", goType))
	}
}

// Members of a union have no JSON names; protobuf's stand in for them.
func (w *walker) unionRows(owner *groupVersion, goType reflect.Type) []row {
	var rows []row
	for i := range goType.NumField() {
		field := goType.Field(i)
		number, name := protobufTag(field)
		rows = append(rows, row{number: number, name: name, kind: w.typeName(owner, field.Type, "")})
	}
	return rows
}

func (w *walker) rows(owner *groupVersion, goType reflect.Type, outer string) []row {
	var rows []row
	for i := range goType.NumField() {
		field := goType.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case field.Anonymous && field.Type.Name() == "TypeMeta":
		case field.Anonymous && name == "":
			rows = append(rows, w.flattened(owner, field, outer)...)
		default:
			rows = append(rows, w.row(owner, goType, field, name, options, outer))
		}
	}
	return rows
}

// flattened gives the members of an embedded struct; outer is the path of protobuf numbers that leads to them.
func (w *walker) flattened(owner *groupVersion, field reflect.StructField, outer string) []row {
	if field.Type.Kind() != reflect.Struct {
		w.api.odd(fmt.Sprintf("embedded %s is no struct", field.Type))
		return nil
	}
	number, _ := protobufTag(field)
	if number == 0 {
		w.api.odd(fmt.Sprintf("embedded %s has no protobuf number", field.Type))
	}
	return w.rows(owner, field.Type, strings.TrimPrefix(outer+"."+strconv.Itoa(number), "."))
}

func (w *walker) row(owner *groupVersion, goType reflect.Type, field reflect.StructField, name, options, outer string) row {
	if name == "" {
		w.api.odd(fmt.Sprintf("%s.%s has no JSON name", goType, field.Name))
		name = field.Name
	}
	number, _ := protobufTag(field)
	r := row{number: number, name: name, kind: w.typeName(owner, field.Type, "")}
	r.attributes.set("outer", outer)
	omitEmpty, omitZero := hasOption(options, "omitempty"), hasOption(options, "omitzero")
	r.attributes.flag("always", !omitEmpty && !omitZero)
	r.attributes.flag("omitzero", omitZero)
	if omitZero && field.Type.Kind() != reflect.Struct {
		w.api.odd(fmt.Sprintf("%s.%s has omitzero but is no struct", goType, field.Name))
	}
	r.attributes = append(r.attributes, w.rules.field(w.api, goType, field, name, omitEmpty)...)
	return r
}

func hasOption(options, wanted string) bool {
	for _, option := range strings.Split(options, ",") {
		if option == wanted {
			return true
		}
	}
	return false
}

// protobufTag reads number and name only: what the tag says of the encoding is often wrong (bytes for an int32, opt for a
// list), and upstream's generator goes by the Go type, as the grammar does. check proves it on recorded bytes.
func protobufTag(field reflect.StructField) (number int, name string) {
	parts := strings.Split(field.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return 0, ""
	}
	number, _ = strconv.Atoi(parts[1])
	for _, part := range parts {
		if text, has := strings.CutPrefix(part, "name="); has {
			name = text
		}
	}
	return number, name
}

// typeName spells a type as the grammar does, seen from a file.
func (w *walker) typeName(owner *groupVersion, goType reflect.Type, prefix string) string {
	if name, known := scalars[goType]; known {
		return prefix + name
	}
	switch {
	case goType.Kind() == reflect.Pointer:
		return prefix + w.typeName(owner, goType.Elem(), "") + "?"
	case isTransparent(goType), goType.Kind() == reflect.Struct:
		return prefix + w.reference(owner, goType)
	case goType.Kind() == reflect.Slice && goType.Elem().Kind() == reflect.Uint8:
		return prefix + "bytes"
	case goType.Kind() == reflect.Slice:
		return prefix + "[]" + w.typeName(owner, goType.Elem(), "")
	case goType.Kind() == reflect.Map && goType.Key().Kind() == reflect.String:
		return prefix + "map[" + w.typeName(owner, goType.Elem(), "") + "]"
	}
	name, known := kindNames[goType.Kind()]
	if !known {
		w.api.odd(fmt.Sprintf("no name for the type %s in %s", goType, owner.packageName()))
	}
	return prefix + name
}

func (w *walker) reference(owner *groupVersion, goType reflect.Type) string {
	target := w.api.byPath[goType.PkgPath()]
	if target == nil {
		w.api.odd(fmt.Sprintf("%s lies in no known group version", goType))
		return goType.Name()
	}
	if !w.seen[goType] {
		target.types = append(target.types, w.block("type", goType))
	}
	if target == owner {
		return goType.Name()
	}
	owner.uses[target.packageName()] = true
	return target.packageName() + "." + goType.Name()
}

func sortBlocks(blocks []*block) {
	sort.Slice(blocks, func(i, j int) bool { return blocks[i].name < blocks[j].name })
}
