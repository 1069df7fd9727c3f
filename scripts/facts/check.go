package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
)

// checker collects what is wrong, so that one run shows all of it.
type checker struct {
	converter
	failures []string
}

func (c *checker) fail(format string, values ...any) {
	c.failures = append(c.failures, fmt.Sprintf(format, values...))
}

// check holds the written files against everything that they were drawn from, and against recorded objects.
func check(a *api, served discovery, folder, samples string) error {
	files, err := parseFolder(folder)
	if err != nil {
		return err
	}
	c := &checker{converter: converter{files: files, used: map[*fact]bool{}}}
	c.areFresh(a, folder)
	c.againstTypes(a)
	c.againstDiscovery(served)
	count, err := c.againstSamples(samples)
	if err != nil {
		return err
	}
	c.report(count)
	if len(c.failures) > 0 {
		return errors.New(strings.Join(c.failures, "\nfacts: "))
	}
	return nil
}

// areFresh covers the attributes that no encoding shows.
func (c *checker) areFresh(a *api, folder string) {
	for _, version := range a.versions {
		text, err := os.ReadFile(filepath.Join(folder, version.fileName()))
		if err != nil || string(text) != fileText(version) {
			c.fail("%s is not what would be written now", version.fileName())
		}
	}
}

// againstTypes encodes an empty and a full value of every Go type.
func (c *checker) againstTypes(a *api) {
	for _, version := range a.versions {
		file := c.files[version.packageName()]
		if file == nil {
			c.fail("no file for %s", version.packageName())
			continue
		}
		blocks := append(append([]*block{}, version.kinds...), version.types...)
		if len(blocks) != len(file.blocks) {
			c.fail("%s has %d blocks, Go has %d types", file.pkg(), len(file.blocks), len(blocks))
		}
		for _, b := range blocks {
			c.againstType(file, b)
		}
	}
}

func (c *checker) againstType(file *factFile, b *block) {
	block := file.blocks[b.name]
	if block == nil || block.word != b.word {
		c.fail("%s.%s is missing", file.pkg(), b.name)
		return
	}
	for _, depth := range []int{0, 1, fillDepth} {
		value := reflect.New(b.goType)
		if depth > 0 {
			(&filler{open: map[reflect.Type]int{}}).fill(value.Elem(), depth)
		}
		c.compare(file, b.name, value)
	}
}

// compare needs the protobuf form; the few types that lack it are compared by their JSON names instead.
func (c *checker) compare(file *factFile, name string, value reflect.Value) {
	want, err := json.Marshal(value.Interface())
	if err != nil {
		c.fail("%s.%s: %v", file.pkg(), name, err)
		return
	}
	message, has := value.Interface().(interface{ Marshal() ([]byte, error) })
	if !has {
		c.knows(file, name, want)
		return
	}
	wireBytes, err := message.Marshal()
	if err != nil {
		c.fail("%s.%s: %v", file.pkg(), name, err)
		return
	}
	c.same(file, name, wireBytes, value, want)
	if value.Elem().IsZero() {
		c.same(file, name, nil, value, want) // tells a message that is always there from a pointer to it
	}
}

func (c *checker) same(file *factFile, name string, payload []byte, value reflect.Value, want []byte) {
	got, err := c.reference(file, name, wire{payload: payload})
	if file.blocks[name].has("transparent") && value.Elem().IsNil() {
		got = "null" // the field decides
	}
	if err != nil || got != string(want) {
		c.fail("%s.%s: error %v\n got %s\nwant %s", file.pkg(), name, err, got, want)
	}
}

// knows walks a JSON document and reports members without a row.
func (c *checker) knows(file *factFile, typeName string, document []byte) {
	typeName = strings.TrimSuffix(typeName, "?")
	if element, list := strings.CutPrefix(typeName, "[]"); list {
		var elements []json.RawMessage
		c.unpack(typeName, document, &elements)
		for _, one := range elements {
			c.knows(file, element, one)
		}
		return
	}
	if element, isMap := strings.CutPrefix(typeName, "map["); isMap {
		var elements map[string]json.RawMessage
		c.unpack(typeName, document, &elements)
		for _, one := range elements {
			c.knows(file, strings.TrimSuffix(element, "]"), one)
		}
		return
	}
	owner, block, err := c.find(file, typeName)
	if err != nil || block.has("union") || block.has("transparent") {
		return // a scalar, or checked through protobuf
	}
	c.knowsMembers(owner, block, document)
}

func (c *checker) knowsMembers(file *factFile, block *fact, document []byte) {
	var members map[string]json.RawMessage
	c.unpack(block.name, document, &members)
	for name, member := range members {
		row := rowNamed(block, name)
		if row == nil && name != "kind" && name != "apiVersion" {
			c.fail("%s.%s has no row %s", file.pkg(), block.name, name)
		}
		if row != nil {
			c.used[row] = true
			c.knows(file, row.typeName, member)
		}
	}
}

func (c *checker) unpack(what string, document []byte, into any) {
	if err := json.Unmarshal(document, into); err != nil {
		c.fail("%s: %v in %.60s", what, err, document)
	}
}

func rowNamed(block *fact, name string) *fact {
	for _, row := range block.rows {
		if row.name == name {
			return row
		}
	}
	return nil
}

// againstSamples converts recorded protobuf and compares it with the JSON recorded beside it.
func (c *checker) againstSamples(folder string) (int, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return 0, err
	}
	if len(paths) == 0 {
		return 0, fmt.Errorf("no samples in %s", folder)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		recorded, err := os.ReadFile(strings.TrimSuffix(path, ".json") + ".pb")
		if err != nil {
			return 0, err
		}
		c.againstSample(filepath.Base(path), text, recorded)
	}
	return len(paths), nil
}

func (c *checker) againstSample(name string, text, recorded []byte) {
	var head struct{ Kind, APIVersion string }
	c.unpack(name, text, &head)
	parts := strings.Split(name, ".")
	kind := parts[len(parts)-2] // a WatchEvent does not say that it is one
	file := c.fileOf(head.APIVersion)
	if file == nil || file.blocks[kind] == nil {
		file = c.files["metav1"] // what every group version has
	}
	if file.blocks[kind] == nil || file.blocks[kind].word != "kind" {
		c.fail("%s: no such kind", name)
		return
	}
	c.knows(file, kind, text)
	var want bytes.Buffer
	if err := json.Compact(&want, text); err != nil {
		c.fail("%s: %v", name, err)
		return
	}
	envelope, err := parseMessage(bytes.TrimPrefix(recorded, []byte("k8s\x00")))
	if err != nil {
		c.fail("%s: %v", name, err)
		return
	}
	var start []string
	if head.Kind != "" {
		start = []string{`"kind":` + quote(head.Kind), `"apiVersion":` + quote(head.APIVersion)}
	}
	got, err := c.object(file, file.blocks[kind], envelope[2][0].payload, start)
	if err != nil || got != want.String() {
		c.fail("%s: error %v\n got %s\nwant %s", name, err, got, want.String())
	}
}

func (c *checker) fileOf(apiVersion string) *factFile {
	for _, file := range c.files {
		if file.group.name == apiVersion {
			return file
		}
	}
	return nil
}

// againstDiscovery looks in both directions: all that is served is stated, and nothing else is stated as served.
func (c *checker) againstDiscovery(served discovery) {
	stated := 0
	for _, file := range c.files {
		if file.group.has("served") {
			stated++
		}
	}
	if stated != len(served) {
		c.fail("%d group versions are served, %d are stated", len(served), stated)
	}
	for _, entry := range served {
		file := c.fileOf(strings.TrimPrefix(entry.group+"/"+entry.version, "/"))
		if file == nil || file.group.attributes["served"] != fmt.Sprint(entry.position) {
			c.fail("%s/%s is served at %d", entry.group, entry.version, entry.position)
			continue
		}
		if got, want := c.statedResources(file), servedResources(entry); got != want {
			c.fail("%s: got\n%swant\n%s", file.pkg(), got, want)
		}
	}
}

func servedResources(entry *servedVersion) string {
	var lines []string
	for kind, r := range entry.resources {
		lines = append(lines, fmt.Sprintln(r.Resource, kind, r.SingularResource, strings.ToLower(string(r.Scope)[:3]),
			r.ShortNames, r.Categories, r.Verbs))
		for _, s := range r.Subresources {
			group, version := s.ResponseKind.Group, s.ResponseKind.Version
			if version == "" {
				group, version = entry.group, entry.version
			}
			body := strings.TrimPrefix(group+"/"+version, "/") + " " + s.ResponseKind.Kind
			lines = append(lines, fmt.Sprintln(r.Resource+"/"+s.Subresource, body, s.Verbs))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}

func (c *checker) statedResources(file *factFile) string {
	var lines []string
	for _, kind := range file.blocks {
		at := kind.attributes
		if !kind.has("served") {
			continue
		}
		lines = append(lines, fmt.Sprintln(at["resource"], kind.name, at["singular"], at["scope"][:3],
			list(at["short"]), list(at["categories"]), list(at["served"])))
		for _, sub := range kind.subs {
			if sub.has("served") {
				body := c.bodyOf(file, kind, sub)
				lines = append(lines, fmt.Sprintln(at["resource"]+"/"+sub.name, body, list(sub.attributes["served"])))
			}
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}

func (c *checker) bodyOf(file *factFile, kind, sub *fact) string {
	name := sub.attributes["kind"]
	if name == "" {
		return file.group.name + " " + kind.name
	}
	owner, body, err := c.find(file, name)
	if err != nil {
		c.fail("%s/%s: %v", kind.name, sub.name, err)
		return ""
	}
	return owner.group.name + " " + body.name
}

func list(value string) []string {
	if value == "" {
		return nil
	}
	return strings.Split(value, ",")
}
