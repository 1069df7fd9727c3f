package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kube-aggregator/pkg/apis/apiregistration"
	aggregatorregistry "k8s.io/kube-aggregator/pkg/registry/apiservice/etcd"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/printers/internalversion"
)

// table is what a server prints for one kind.
type table struct {
	kind, group string // the two special ones have no group
	columns     []metav1.TableColumnDefinition
}

func (t table) key() string { return t.group + "/" + t.kind }

// collector stands where upstream's generator would take its print functions, and keeps the columns alone.
type collector struct {
	tables map[string]table
	lists  map[string]table
}

func (c *collector) TableHandler(columns []metav1.TableColumnDefinition, print any) error {
	printed := reflect.New(reflect.TypeOf(print).In(0).Elem()).Interface()
	object, isObject := printed.(runtime.Object)
	if !isObject {
		return fmt.Errorf("%T is no object", printed)
	}
	kinds, _, err := legacyscheme.Scheme.ObjectKinds(object)
	if err != nil {
		return err
	}
	t := table{kind: kinds[0].Kind, group: kinds[0].Group, columns: columns}
	if element, isList := strings.CutSuffix(t.kind, "List"); isList {
		t.kind = element
		c.lists[t.key()] = t
	} else {
		c.tables[t.key()] = t
	}
	return nil
}

var _ interface {
	TableHandler([]metav1.TableColumnDefinition, any) error
} = &collector{}

// tables are the default one, that of custom resources, and one for each kind with columns of its own.
func tables() ([]table, error) {
	c := &collector{tables: map[string]table{}, lists: map[string]table{}}
	internalversion.AddHandlers(c)
	for key, list := range c.lists {
		one, has := c.tables[key]
		if has && !reflect.DeepEqual(one.columns, list.columns) {
			return nil, fmt.Errorf("%s: its list has other columns", key)
		}
		c.tables[key] = list
	}
	aggregated, err := apiServices()
	if err != nil {
		return nil, err
	}
	c.tables[aggregated.key()] = aggregated
	var sorted []table
	for _, t := range c.tables {
		sorted = append(sorted, t)
	}
	sort.Slice(sorted, func(i, j int) bool {
		return sorted[i].group < sorted[j].group || sorted[i].group == sorted[j].group && sorted[i].kind < sorted[j].kind
	})
	special, err := specialTables()
	return append(special, sorted...), err
}

// The aggregator registers no handler; its storage makes the table.
func apiServices() (table, error) {
	made, err := new(aggregatorregistry.REST).ConvertToTable(context.Background(), &apiregistration.APIServiceList{}, nil)
	if err != nil {
		return table{}, err
	}
	return table{"APIService", apiregistration.GroupName, made.ColumnDefinitions}, nil
}

func specialTables() ([]table, error) {
	ctx := context.Background()
	usual, err := rest.NewDefaultTableConvertor(schema.GroupResource{}).ConvertToTable(ctx, &metav1.PartialObjectMetadataList{}, nil)
	if err != nil {
		return nil, err
	}
	convertor, err := tableconvertor.New(columnsOfNoColumns())
	if err != nil {
		return nil, err
	}
	custom, err := convertor.ConvertToTable(ctx, &metav1.PartialObjectMetadataList{}, nil)
	if err != nil {
		return nil, err
	}
	return []table{{"default", "", usual.ColumnDefinitions}, {"custom", "", custom.ColumnDefinitions}}, nil
}

// columnsOfNoColumns are those that a CustomResourceDefinition without columns counts as having.
func columnsOfNoColumns() []apiextensionsv1.CustomResourceColumnDefinition {
	crd := &apiextensions.CustomResourceDefinition{}
	crd.Spec.Versions = []apiextensions.CustomResourceDefinitionVersion{{Name: "v1"}}
	columns, err := apiextensions.GetColumnsForVersion(crd, "v1")
	if err != nil {
		panic(err)
	}
	var converted []apiextensionsv1.CustomResourceColumnDefinition
	for _, c := range columns {
		converted = append(converted, apiextensionsv1.CustomResourceColumnDefinition{Name: c.Name, Type: c.Type,
			Format: c.Format, Description: c.Description, Priority: c.Priority, JSONPath: c.JSONPath})
	}
	return converted
}

func writeColumns(path string) error {
	all, err := tables()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(columnsText(all)), 0o644)
}

const columnsHead = `# The columns of the tables that a real API server prints; client/schema/GRAMMAR.md explains the file.
# table default: every kind without a table of its own, CustomResourceDefinition among them.
# table custom: custom resources; the additionalPrinterColumns of their definition follow Name, or Age if it has none.
`

func columnsText(all []table) string {
	names := map[string]string{}
	var texts, tables strings.Builder
	for _, t := range all {
		var of attributes
		of.set("group", t.group)
		tables.WriteString("\ntable " + t.kind + of.text() + "\n")
		for _, column := range t.columns {
			text := column.Description
			if names[text] == "" {
				names[text] = fmt.Sprintf("t%d", len(names)+1)
				texts.WriteString("text " + names[text] + " " + jsonText(text) + "\n")
			}
			var at attributes
			at.set("type", column.Type)
			at.set("format", column.Format)
			at.set("priority", fmt.Sprint(column.Priority))
			at.set("text", names[text])
			tables.WriteString("  column " + quoted(column.Name) + at.text() + "\n")
		}
	}
	return columnsHead + "\n" + texts.String() + tables.String()
}
