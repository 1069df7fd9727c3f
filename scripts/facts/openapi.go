package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"

	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	openapidefinitions "k8s.io/kubernetes/pkg/generated/openapi"
)

// openapiRules reads what upstream's OpenAPI definitions say about types and their fields.
type openapiRules map[string]common.OpenAPIDefinition

func readOpenAPI() openapiRules {
	return openapidefinitions.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef(name) })
}

type named interface{ OpenAPIModelName() string }

func modelName(goType reflect.Type) string {
	if n, has := reflect.New(goType).Elem().Interface().(named); has {
		return n.OpenAPIModelName()
	}
	return ""
}

// describe adds the facts of a whole type to its line.
func (o openapiRules) describe(a *api, owner *groupVersion, b *block) {
	if isTransparent(b.goType) {
		return // upstream writes these as plain lists
	}
	name := modelName(b.goType)
	prefix := strings.TrimSuffix(name, "."+b.name)
	if owner.openapi == "" {
		owner.openapi = prefix
	}
	if name == "" || prefix != owner.openapi || prefix == name {
		a.odd(fmt.Sprintf("%s has the model name %q", b.goType, name))
		b.attributes.set("openapi", name)
	}
	definition, has := o[name]
	if !has {
		a.odd(fmt.Sprintf("%s.%s has no OpenAPI definition", owner.packageName(), b.name))
		return
	}
	extensions := definition.Schema.Extensions
	b.attributes.set("struct", text(extensions["x-kubernetes-map-type"]))
	describeUnion(a, b, extensions["x-kubernetes-unions"])
	for key := range extensions {
		if key != "x-kubernetes-map-type" && key != "x-kubernetes-unions" {
			a.odd(fmt.Sprintf("%s: extension %s", b.goType, key))
		}
	}
	for property := range definition.Schema.Properties {
		if !hasRow(b, property) {
			a.odd(fmt.Sprintf("%s: OpenAPI knows %s, Go does not", b.goType, property))
		}
	}
}

func hasRow(b *block, name string) bool {
	for _, r := range b.rows {
		if r.name == name {
			return true
		}
	}
	return name == "kind" || name == "apiVersion"
}

// describeUnion turns x-kubernetes-unions into two attributes; no type has more than one of them.
func describeUnion(a *api, b *block, value any) {
	list, _ := value.([]any)
	if len(list) == 0 {
		return
	}
	if len(list) > 1 {
		a.odd(fmt.Sprintf("%s has several unions", b.goType))
	}
	entry := list[0].(map[string]any)
	b.attributes.set("discriminator", text(entry["discriminator"]))
	var members []string
	for member, value := range entry["fields-to-discriminateBy"].(map[string]any) {
		members = append(members, member+":"+value.(string))
	}
	sort.Strings(members)
	b.attributes.list("oneof", members)
}

func (o openapiRules) field(a *api, goType reflect.Type, field reflect.StructField, name string, omitEmpty bool) attributes {
	var found attributes
	where := fmt.Sprintf("%s.%s", goType, field.Name)
	definition, has := o[modelName(goType)]
	property, known := definition.Schema.Properties[name]
	if !known && has {
		a.odd(where + " is not in the OpenAPI definition")
	}
	for _, required := range definition.Schema.Required {
		found.flag("required", required == name)
	}
	found.set("default", defaultOf(field.Type, property.Default, omitEmpty))
	found.list("enum", enumOf(property))
	found.set("patch", field.Tag.Get("patchStrategy"))
	found.set("key", field.Tag.Get("patchMergeKey"))
	found = append(found, topology(field.Type, property.Extensions)...)
	found.flag("nullable", property.Nullable)
	found.set("format", formatOf(field.Type, property))
	if known {
		checkProperty(a, where, field, property)
	}
	return found
}

// topology says how lists, maps and structs merge under server-side apply.
func topology(goType reflect.Type, extensions spec.Extensions) attributes {
	var found attributes
	found.set("list", text(extensions["x-kubernetes-list-type"]))
	if keys, has := extensions["x-kubernetes-list-map-keys"].([]any); has {
		var names []string
		for _, key := range keys {
			names = append(names, key.(string))
		}
		found.list("keys", names)
	}
	word := "struct"
	if goType.Kind() == reflect.Map {
		word = "map"
	}
	found.set(word, text(extensions["x-kubernetes-map-type"]))
	return found
}

// defaultOf leaves out what upstream's generator adds by itself: {} for structs, and zero for scalars that are
// always written. Both follow from the row.
func defaultOf(goType reflect.Type, value any, omitEmpty bool) string {
	if value == nil {
		return ""
	}
	encoded := jsonText(value)
	if goType.Kind() == reflect.Struct && encoded == "{}" {
		return ""
	}
	zero := goType.Kind() != reflect.Pointer && (encoded == `""` || encoded == "0" || encoded == "false")
	if zero && !omitEmpty {
		return ""
	}
	return encoded
}

// enumOf looks into lists and maps: there the values are those of the elements.
func enumOf(property spec.Schema) []string {
	var values []string
	for _, value := range property.Enum {
		values = append(values, fmt.Sprint(value))
	}
	if values == nil && property.Items != nil && property.Items.Schema != nil {
		return enumOf(*property.Items.Schema)
	}
	if values == nil && property.AdditionalProperties != nil && property.AdditionalProperties.Schema != nil {
		return enumOf(*property.AdditionalProperties.Schema)
	}
	return values
}

var usualFormats = map[string]string{"int32": "int32", "int64": "int64", "uint64": "int64", "float64": "double"}

// formatOf is what a reader would not expect of the type.
func formatOf(goType reflect.Type, property spec.Schema) string {
	for goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	usual := usualFormats[goType.Kind().String()]
	if goType.Kind() == reflect.Slice && goType.Elem().Kind() == reflect.Uint8 {
		usual = "byte"
	}
	if property.Format == usual || property.Format == "" {
		return ""
	}
	return property.Format
}

// checkProperty reports everything else that a definition may say, so that nothing is lost unseen.
func checkProperty(a *api, where string, field reflect.StructField, property spec.Schema) {
	extensions := property.Extensions
	if text(extensions["x-kubernetes-patch-strategy"]) != field.Tag.Get("patchStrategy") ||
		text(extensions["x-kubernetes-patch-merge-key"]) != field.Tag.Get("patchMergeKey") {
		a.odd(where + ": patch tags and OpenAPI differ")
	}
	for key := range extensions {
		switch key {
		case "x-kubernetes-patch-strategy", "x-kubernetes-patch-merge-key", "x-kubernetes-list-type",
			"x-kubernetes-list-map-keys", "x-kubernetes-map-type":
		default:
			a.odd(where + ": extension " + key)
		}
	}
	if rest := otherProperties(property); len(rest) > 0 {
		a.odd(fmt.Sprintf("%s: OpenAPI says %s", where, strings.Join(rest, ",")))
	}
}

func otherProperties(property spec.Schema) []string {
	var all map[string]any
	bytes, _ := json.Marshal(property)
	if err := json.Unmarshal(bytes, &all); err != nil {
		panic(err)
	}
	var rest []string
	for key := range all {
		switch key {
		case "description", "type", "format", "$ref", "items", "additionalProperties", "default", "enum", "nullable":
		default:
			if !strings.HasPrefix(key, "x-kubernetes-") {
				rest = append(rest, key)
			}
		}
	}
	sort.Strings(rest)
	return rest
}

// text is an optional string out of an untyped map.
func text(value any) string {
	s, _ := value.(string)
	return s
}
