package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// What follows reads the files as GRAMMAR.md describes them and shares nothing with what writes them.

type fact struct {
	word       string // group, kind, type, sub, or row
	name       string
	number     int
	typeName   string
	attributes map[string]string
	subs, rows []*fact
}

func (f *fact) has(key string) bool {
	_, has := f.attributes[key]
	return has
}

type factFile struct {
	group  *fact
	uses   []string
	blocks map[string]*fact
}

func (f *factFile) pkg() string { return f.group.attributes["package"] }

// parseFolder maps package names to files.
func parseFolder(folder string) (map[string]*factFile, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.facts"))
	if err != nil {
		return nil, err
	}
	files := map[string]*factFile{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		file, err := parseFile(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		files[file.pkg()] = file
	}
	return files, nil
}

func parseFile(text string) (*factFile, error) {
	file := &factFile{blocks: map[string]*fact{}}
	var current *fact
	for index, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words, err := split(line)
		if err == nil && strings.HasPrefix(line, "  ") {
			err = addMember(current, words)
		} else if err == nil {
			current, err = addTop(file, words)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", index+1, err)
		}
	}
	return file, nil
}

// split cuts at spaces that are not inside a JSON string.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inString := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case inString && c == '\\':
			word.WriteByte(c)
			i++
			word.WriteByte(line[i])
			continue
		case c == '"':
			inString = !inString
		case c == ' ' && !inString:
			if word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
			continue
		}
		word.WriteByte(c)
	}
	if inString {
		return nil, fmt.Errorf("a string does not end")
	}
	if word.Len() > 0 {
		words = append(words, word.String())
	}
	return words, nil
}

func addTop(file *factFile, words []string) (*fact, error) {
	switch words[0] {
	case "use":
		file.uses = words[1:]
		return nil, nil
	case "group":
		var err error
		file.group, err = newFact(words[0], words[1], words[2:])
		return nil, err
	case "kind", "type":
		block, err := newFact(words[0], words[1], words[2:])
		if err == nil && file.blocks[block.name] != nil {
			err = fmt.Errorf("%s stands here twice", block.name)
		}
		file.blocks[words[1]] = block
		return block, err
	}
	return nil, fmt.Errorf("unknown word %q", words[0])
}

func addMember(block *fact, words []string) error {
	if block == nil {
		return fmt.Errorf("no block to belong to")
	}
	if words[0] == "sub" {
		sub, err := newFact("sub", words[1], words[2:])
		block.subs = append(block.subs, sub)
		return err
	}
	number, err := strconv.Atoi(words[0])
	if err != nil {
		return err
	}
	row, err := newFact("row", words[1], words[3:])
	if err != nil {
		return err
	}
	row.number, row.typeName = number, words[2]
	block.rows = append(block.rows, row)
	return nil
}

func newFact(word, name string, words []string) (*fact, error) {
	f := &fact{word: word, name: name, attributes: map[string]string{}}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		if !knownAttributes[f.word][key] {
			return nil, fmt.Errorf("unknown attribute %q", key)
		}
		if strings.HasPrefix(value, `"`) {
			if err := json.Unmarshal([]byte(value), &value); err != nil {
				return nil, err
			}
		}
		f.attributes[key] = value
	}
	return f, nil
}

var blockAttributes = set("transparent union struct openapi discriminator oneof resource client singular short categories " +
	"scope list verbs extra served")

var knownAttributes = map[string]map[string]bool{
	"group": set("package accessor openapi served"),
	"kind":  blockAttributes,
	"type":  blockAttributes,
	"sub":   set("kind served methods"),
	"row":   set("outer always omitzero required default enum patch key list keys map struct nullable format"),
}

func set(words string) map[string]bool {
	found := map[string]bool{}
	for _, word := range strings.Fields(words) {
		found[word] = true
	}
	return found
}
