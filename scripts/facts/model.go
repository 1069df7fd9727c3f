package main

import "reflect"

// attribute is key=value, or a bare key if it is a flag.
type attribute struct {
	key, value string
	flag       bool
}

// attributes keep the order in which they were added.
type attributes []attribute

func (a *attributes) flag(key string, on bool) {
	if on {
		*a = append(*a, attribute{key: key, flag: true})
	}
}

// set leaves out empty values: absence is how the files say "nothing".
func (a *attributes) set(key, value string) {
	if value != "" {
		*a = append(*a, attribute{key: key, value: value})
	}
}

func (a *attributes) list(key string, values []string) { a.set(key, joined(values)) }

// row is one line of a message: a field.
type row struct {
	number     int
	name, kind string
	attributes attributes
}

// block is a kind or a type.
type block struct {
	word, name string // word is "kind" or "type"
	attributes attributes
	subs       []sub
	rows       []row
	goType     reflect.Type
}

type sub struct {
	name       string
	attributes attributes
}

// groupVersion is one file.
type groupVersion struct {
	group, version string
	short          string // first label of the group: the file's name and the package's
	accessor       string
	openapi        string
	served         int // position in discovery, or -1
	path           string
	kinds, types   []*block
	uses           map[string]bool
}

func (g *groupVersion) packageName() string { return g.short + g.version }
func (g *groupVersion) fileName() string    { return g.short + "_" + g.version + ".facts" }

func (g *groupVersion) wireName() string {
	if g.group == "" {
		return g.version
	}
	return g.group + "/" + g.version
}

type api struct {
	versions []*groupVersion
	byPath   map[string]*groupVersion
	oddities []string
}

func (a *api) odd(text string) { a.oddities = append(a.oddities, text) }
