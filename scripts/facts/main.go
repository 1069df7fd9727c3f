// facts draws what the schema files say out of the upstream Go modules pinned in go.mod: names, numbers, types and rules,
// by reflection over the types, the typed clients, the scheme, the OpenAPI definitions and a discovery document of a
// real server. client/schema/GRAMMAR.md explains the files. Nothing of this is part of the build.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("out", "../../client/schema", "folder that takes the facts files")
	columns := flag.String("columns", "../../fakeapiserver/schema/columns.facts", "file that takes the table columns")
	discovery := flag.String("discovery", "../../../shared/data/discovery-v1.37.json", "discovery of a default server")
	samples := flag.String("samples", "../../../shared/data/codec-v1.37", "recorded objects, for -check")
	checkOnly := flag.Bool("check", false, "write nothing; hold the files that exist against their sources")
	flag.Parse()
	if err := run(*out, *columns, *discovery, *samples, *checkOnly); err != nil {
		fmt.Fprintln(os.Stderr, "facts:", err)
		os.Exit(1)
	}
}

func run(out, columns, discovery, samples string, checkOnly bool) error {
	served, err := readDiscovery(discovery)
	if err != nil {
		return err
	}
	api, err := collect(served)
	if err != nil {
		return err
	}
	if checkOnly {
		return check(api, served, out, samples)
	}
	if err := writeFacts(api, out); err != nil {
		return err
	}
	return writeColumns(columns)
}
