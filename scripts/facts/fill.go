package main

import (
	"fmt"
	"reflect"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// filler fills every field of a value with something that occurs nowhere else in it, so that no two can be confused.
type filler struct {
	count int
	open  map[reflect.Type]int // structs being filled: one that holds itself does so twice, then stays empty
}

// Upstream's types nest no deeper.
const fillDepth = 40

func (f *filler) fill(value reflect.Value, depth int) {
	f.count++
	if f.special(value) || f.isOpen(value.Type()) {
		return
	}
	switch value.Kind() {
	case reflect.Bool:
		value.SetBool(true)
	case reflect.Int32, reflect.Int64:
		value.SetInt(int64(f.count))
	case reflect.Uint64:
		value.SetUint(uint64(f.count))
	case reflect.Float64:
		value.SetFloat(float64(f.count) + 0.5)
	case reflect.String:
		value.SetString(fmt.Sprintf("<%d>", f.count))
	case reflect.Pointer:
		if depth > 0 {
			value.Set(reflect.New(value.Type().Elem()))
			f.fill(value.Elem(), depth-1)
		}
	case reflect.Slice:
		f.fillSlice(value, depth)
	case reflect.Map:
		f.fillMap(value, depth)
	case reflect.Struct:
		f.open[value.Type()]++
		for i := range value.NumField() {
			if field := value.Type().Field(i); field.IsExported() && field.Name != "TypeMeta" {
				f.fill(value.Field(i), depth-1)
			}
		}
		f.open[value.Type()]--
	}
}

// isOpen looks through pointers, lists and maps.
func (f *filler) isOpen(goType reflect.Type) bool {
	switch goType.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return f.isOpen(goType.Elem())
	}
	return f.open[goType] > 1
}

func (f *filler) fillSlice(value reflect.Value, depth int) {
	if depth <= 0 && value.Type().Elem().Kind() == reflect.Struct {
		return
	}
	value.Set(reflect.MakeSlice(value.Type(), 2, 2))
	if value.Type().Elem().Kind() == reflect.Uint8 {
		value.SetBytes([]byte(fmt.Sprintf("b%d", f.count)))
		return
	}
	for i := range value.Len() {
		f.fill(value.Index(i), depth-1)
	}
}

func (f *filler) fillMap(value reflect.Value, depth int) {
	value.Set(reflect.MakeMap(value.Type()))
	if depth <= 0 {
		return
	}
	for range 2 {
		key, element := reflect.New(value.Type().Key()).Elem(), reflect.New(value.Type().Elem()).Elem()
		f.fill(key, depth-1)
		f.fill(element, depth-1)
		value.SetMapIndex(key, element)
	}
}

func (f *filler) special(value reflect.Value) bool {
	raw := []byte(fmt.Sprintf(`{"raw":%d}`, f.count))
	at := time.Unix(1700000000+int64(f.count), 0).UTC()
	switch target := value.Addr().Interface().(type) {
	case *metav1.Time:
		target.Time = at
	case *metav1.MicroTime:
		target.Time = at.Add(time.Duration(f.count) * time.Microsecond)
	case *metav1.Duration:
		target.Duration = time.Duration(f.count) * time.Second
	case *metav1.FieldsV1:
		target.SetRawBytes(raw)
	case *resource.Quantity:
		*target = resource.MustParse(fmt.Sprintf("%dm", 1001+1000*f.count))
	case *intstr.IntOrString:
		*target = intstr.FromInt32(int32(f.count))
		if f.count%2 == 0 {
			*target = intstr.FromString(fmt.Sprintf("%d%%", f.count))
		}
	case *runtime.RawExtension:
		target.Raw = raw
	case *apiextensionsv1.JSON:
		target.Raw = raw
	default:
		return false
	}
	return true
}
