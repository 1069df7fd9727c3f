package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"
)

// converter turns protobuf into the JSON that Go would write, by the facts alone. That its output equals Go's, byte for
// byte, shows that names, numbers, types, order, nesting and omissions are right.
type converter struct {
	files map[string]*factFile
	used  map[*fact]bool // rows that were seen filled
}

// wire is one occurrence of a field.
type wire struct {
	number  uint64 // of varints and fixed64
	payload []byte
}

type message map[int][]wire

var errTruncated = errors.New("truncated message")

func parseMessage(bytes []byte) (message, error) {
	m := message{}
	for len(bytes) > 0 {
		tag, n := binary.Uvarint(bytes)
		if n <= 0 {
			return nil, errTruncated
		}
		bytes = bytes[n:]
		value, rest, err := parseValue(tag&7, bytes)
		if err != nil {
			return nil, err
		}
		m[int(tag>>3)] = append(m[int(tag>>3)], value)
		bytes = rest
	}
	return m, nil
}

func parseValue(kind uint64, bytes []byte) (wire, []byte, error) {
	if kind == 1 && len(bytes) >= 8 {
		return wire{number: binary.LittleEndian.Uint64(bytes)}, bytes[8:], nil
	}
	value, n := binary.Uvarint(bytes)
	switch {
	case n <= 0:
		return wire{}, nil, errTruncated
	case kind == 0:
		return wire{number: value}, bytes[n:], nil
	case kind == 2 && uint64(len(bytes)-n) >= value:
		return wire{payload: bytes[n : n+int(value)]}, bytes[n+int(value):], nil
	}
	return wire{}, nil, fmt.Errorf("wire type %d, %d bytes left", kind, len(bytes))
}

func (m message) inside(path string) (message, error) {
	for _, step := range strings.Split(path, ".") {
		number, err := strconv.Atoi(step)
		if err != nil {
			return nil, err
		}
		var all []byte
		for _, w := range m[number] {
			all = append(all, w.payload...)
		}
		if m, err = parseMessage(all); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// find resolves a type name as seen from a file.
func (c *converter) find(file *factFile, name string) (*factFile, *fact, error) {
	if pkg, rest, qualified := strings.Cut(name, "."); qualified {
		if file != c.files[pkg] && !contains(file.uses, pkg) {
			return nil, nil, fmt.Errorf("%s does not say that it uses %s", file.pkg(), pkg)
		}
		file, name = c.files[pkg], rest
	}
	if file == nil || file.blocks[name] == nil {
		return nil, nil, fmt.Errorf("no type %s", name)
	}
	return file, file.blocks[name], nil
}

func contains(list []string, wanted string) bool {
	for _, element := range list {
		if element == wanted {
			return true
		}
	}
	return false
}

// object is a JSON object: the members given (kind and apiVersion, or nothing), then the rows.
func (c *converter) object(file *factFile, block *fact, bytes []byte, head []string) (string, error) {
	m, err := parseMessage(bytes)
	if err != nil {
		return "", fmt.Errorf("%s: %w", block.name, err)
	}
	if err := onlyKnown(block, m); err != nil {
		return "", err
	}
	members := head
	for _, row := range block.rows {
		place := m
		if row.has("outer") {
			if place, err = m.inside(row.attributes["outer"]); err != nil {
				return "", fmt.Errorf("%s.%s: %w", block.name, row.name, err)
			}
		}
		text, err := c.field(file, row, place[row.number])
		if err != nil {
			return "", fmt.Errorf("%s.%s: %w", block.name, row.name, err)
		}
		if text != "" {
			members = append(members, quote(row.name)+":"+text)
		}
	}
	return "{" + strings.Join(members, ",") + "}", nil
}

func onlyKnown(block *fact, m message) error {
	for number := range m {
		known := false
		for _, row := range block.rows {
			outer, _, _ := strings.Cut(row.attributes["outer"], ".")
			known = known || outer == "" && row.number == number || outer == strconv.Itoa(number)
		}
		if !known {
			return fmt.Errorf("%s: no row has the number %d", block.name, number)
		}
	}
	return nil
}

// field is the JSON of a row's value, or nothing if JSON leaves it out.
func (c *converter) field(file *factFile, row *fact, values []wire) (string, error) {
	if len(values) > 0 {
		c.used[row] = true
	}
	empty := ""
	if row.has("always") {
		empty = "null"
	}
	element, list := strings.CutPrefix(row.typeName, "[]")
	switch {
	case list && len(values) == 0, strings.HasPrefix(row.typeName, "map[") && len(values) == 0:
		return empty, nil
	case list:
		return c.list(file, element, values)
	case strings.HasPrefix(row.typeName, "map["):
		return c.dictionary(file, strings.TrimSuffix(row.typeName[4:], "]"), values)
	case strings.HasSuffix(row.typeName, "?") && len(values) == 0:
		return empty, nil
	case strings.HasSuffix(row.typeName, "?"):
		return c.one(file, strings.TrimSuffix(row.typeName, "?"), values[len(values)-1])
	}
	return c.plain(file, row, values)
}

// plain is a value that Go keeps without a pointer: absent means zero.
func (c *converter) plain(file *factFile, row *fact, values []wire) (string, error) {
	var value wire
	if len(values) > 0 {
		value = values[len(values)-1]
	}
	isZero := value.number == 0 && len(value.payload) == 0
	switch row.typeName {
	case "bool", "int32", "int64", "uint64", "float64", "string":
		if isZero && !row.has("always") {
			return "", nil
		}
	case "bytes":
		if isZero && !row.has("always") {
			return "", nil
		}
		if len(values) == 0 {
			return "null", nil
		}
	default:
		if _, block, err := c.find(file, row.typeName); err == nil && block.has("transparent") && len(values) == 0 {
			if row.has("always") {
				return "null", nil
			}
			return "", nil
		}
	}
	text, err := c.one(file, row.typeName, value)
	if row.has("omitzero") && text == "null" {
		return "", err
	}
	return text, err
}

func (c *converter) list(file *factFile, element string, values []wire) (string, error) {
	var texts []string
	for _, value := range values {
		text, err := c.one(file, element, value)
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	return "[" + strings.Join(texts, ",") + "]", nil
}

func (c *converter) dictionary(file *factFile, element string, values []wire) (string, error) {
	texts := map[string]string{}
	var keys []string
	for _, value := range values {
		entry, err := parseMessage(value.payload)
		if err != nil || len(entry[1]) != 1 || len(entry[2]) != 1 {
			return "", fmt.Errorf("bad entry of a map: %v", err)
		}
		key := string(entry[1][0].payload)
		if texts[key], err = c.one(file, element, entry[2][0]); err != nil {
			return "", err
		}
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var members []string
	for _, key := range keys {
		members = append(members, quote(key)+":"+texts[key])
	}
	return "{" + strings.Join(members, ",") + "}", nil
}

func (c *converter) one(file *factFile, typeName string, value wire) (string, error) {
	switch typeName {
	case "bool":
		return strconv.FormatBool(value.number != 0), nil
	case "int32", "int64":
		return strconv.FormatInt(int64(value.number), 10), nil
	case "uint64":
		return strconv.FormatUint(value.number, 10), nil
	case "float64":
		return string(encoded(math.Float64frombits(value.number))), nil
	case "string":
		return quote(string(value.payload)), nil
	case "bytes":
		return string(encoded(append([]byte{}, value.payload...))), nil
	case "Time", "MicroTime", "Duration", "Quantity", "IntOrString", "RawExtension", "FieldsV1", "JSON":
		m, err := parseMessage(value.payload)
		if err != nil {
			return "", err
		}
		return special(typeName, m), nil
	}
	return c.reference(file, typeName, value)
}

func (c *converter) reference(file *factFile, typeName string, value wire) (string, error) {
	owner, block, err := c.find(file, typeName)
	if err != nil {
		return "", err
	}
	switch {
	case block.has("transparent"):
		m, err := parseMessage(value.payload)
		if err != nil {
			return "", err
		}
		c.used[block.rows[0]] = true
		return c.list(owner, strings.TrimPrefix(block.rows[0].typeName, "[]"), m[block.rows[0].number])
	case block.has("union"):
		return c.union(owner, block, value)
	}
	return c.object(owner, block, value.payload, nil)
}

// union prefers a list to a schema and a schema to a bool, as Go does.
func (c *converter) union(file *factFile, block *fact, value wire) (string, error) {
	m, err := parseMessage(value.payload)
	if err != nil {
		return "", err
	}
	result := "null"
	for _, wanted := range []string{"bool", "JSONSchemaProps?", "[]"} {
		for _, row := range block.rows {
			if !strings.HasPrefix(row.typeName, wanted) || len(m[row.number]) == 0 && wanted != "bool" {
				continue
			}
			c.used[row] = true
			if wanted == "bool" {
				result = strconv.FormatBool(len(m[row.number]) > 0 && m[row.number][0].number != 0)
			} else if result, err = c.field(file, row, m[row.number]); err != nil {
				return "", err
			}
		}
	}
	return result, nil
}

// special are the scalars with rules of their own.
func special(typeName string, m message) string {
	number := func(field int) int64 {
		if len(m[field]) == 0 {
			return 0
		}
		return int64(m[field][0].number)
	}
	text := func(field int, absent string) string {
		if len(m[field]) == 0 || len(m[field][0].payload) == 0 {
			return absent
		}
		return string(m[field][0].payload)
	}
	switch typeName {
	case "Time", "MicroTime":
		if len(m) == 0 {
			return "null"
		}
		layout := time.RFC3339
		if typeName == "MicroTime" {
			layout = "2006-01-02T15:04:05.000000Z07:00"
		}
		return quote(time.Unix(number(1), number(2)).UTC().Format(layout))
	case "Duration":
		return quote(time.Duration(number(1)).String())
	case "Quantity":
		return quote(text(1, "0"))
	case "IntOrString":
		if number(1) == 0 {
			return strconv.FormatInt(number(2), 10)
		}
		return quote(text(3, ""))
	}
	return text(1, "null")
}

func quote(text string) string { return string(encoded(text)) }

// encoded escapes <, > and &, as upstream's serializer does.
func encoded(value any) []byte {
	bytes, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return bytes
}
