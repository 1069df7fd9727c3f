package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// expected oddities were looked into; a new one means that a new release does what the grammar cannot say.
var expected = map[string]bool{
	"no kind for the typed client of apiextensionsv1beta1.CustomResourceDefinition": true, // no longer served
	"no kind for the typed client of apiregistrationv1beta1.APIService":             true,
	"admissionv1.AdmissionRequest has no OpenAPI definition":                        true, // upstream publishes none
	"admissionv1.AdmissionResponse has no OpenAPI definition":                       true,
	"admissionv1.AdmissionReview has no OpenAPI definition":                         true,
	"admissionv1beta1.AdmissionRequest has no OpenAPI definition":                   true,
	"admissionv1beta1.AdmissionResponse has no OpenAPI definition":                  true,
	"admissionv1beta1.AdmissionReview has no OpenAPI definition":                    true,
}

// writeFacts replaces the facts files of a folder; those of versions that are gone go too.
func writeFacts(a *api, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.facts"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for _, version := range a.versions {
		path := filepath.Join(folder, version.fileName())
		if err := os.WriteFile(path, []byte(fileText(version)), 0o644); err != nil {
			return err
		}
	}
	for _, oddity := range a.oddities {
		if !expected[oddity] {
			fmt.Fprintln(os.Stderr, "odd:", oddity)
		}
	}
	return nil
}

func fileText(version *groupVersion) string {
	var head attributes
	head.set("package", version.packageName())
	head.set("accessor", version.accessor)
	head.set("openapi", version.openapi)
	if version.served >= 0 {
		head.set("served", fmt.Sprint(version.served))
	}
	text := "group " + version.wireName() + head.text() + "\n"
	if uses := sortedKeys(version.uses); len(uses) > 0 {
		text += "use   " + strings.Join(uses, " ") + "\n"
	}
	for _, blocks := range [][]*block{version.kinds, version.types} {
		for _, b := range blocks {
			text += "\n" + blockText(b)
		}
	}
	return text
}

func blockText(b *block) string {
	text := b.word + " " + b.name + b.attributes.text() + "\n"
	for _, s := range b.subs {
		text += "  sub " + s.name + s.attributes.text() + "\n"
	}
	nameWidth, kindWidth := 0, 0
	for _, r := range b.rows {
		nameWidth, kindWidth = max(nameWidth, len(r.name)), max(kindWidth, len(r.kind))
	}
	for _, r := range b.rows {
		line := fmt.Sprintf("  %-3d %-*s  %-*s %s", r.number, nameWidth, r.name, kindWidth, r.kind, r.attributes.text())
		text += strings.TrimRight(line, " ") + "\n"
	}
	return text
}

// text has a space in front of each attribute. A default is JSON as it stands: a string keeps its quotes.
func (a attributes) text() string {
	var text strings.Builder
	for _, attribute := range a {
		text.WriteString(" " + attribute.key)
		switch {
		case attribute.flag:
		case attribute.key == "default":
			text.WriteString("=" + attribute.value)
		default:
			text.WriteString("=" + quoted(attribute.value))
		}
	}
	return text.String()
}

func sortedKeys(set map[string]bool) []string {
	var keys []string
	for key := range set {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
