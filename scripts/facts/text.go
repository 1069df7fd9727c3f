package main

import (
	"encoding/json"
	"strings"
)

func joined(values []string) string { return strings.Join(values, ",") }

// quoted is the value of an attribute: bare if a reader can split the line at its spaces, else a JSON string.
func quoted(value string) string {
	if strings.ContainsAny(value, " \t\n\"#") {
		return jsonText(value)
	}
	return value
}

// jsonText does not escape <, > and &, which only a browser minds.
func jsonText(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(text.String(), "\n")
}
