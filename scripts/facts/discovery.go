package main

import (
	"encoding/json"
	"fmt"
	"os"

	apidiscovery "k8s.io/api/apidiscovery/v2"
)

// servedVersion is a group version as a real server lists it, with its place in the list.
type servedVersion struct {
	position  int
	group     string
	version   string
	resources map[string]*apidiscovery.APIResourceDiscovery // by kind
}

type discovery map[string]*servedVersion // by "group/version"

func readDiscovery(path string) (discovery, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var documents map[string]apidiscovery.APIGroupDiscoveryList
	if err := json.Unmarshal(bytes, &documents); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	served := discovery{}
	for _, root := range []string{"/api", "/apis"} {
		for _, group := range documents[root].Items {
			for _, version := range group.Versions {
				if err := served.add(group.Name, version); err != nil {
					return nil, err
				}
			}
		}
	}
	return served, nil
}

func (d discovery) add(group string, version apidiscovery.APIVersionDiscovery) error {
	entry := &servedVersion{position: len(d), group: group, version: version.Version,
		resources: map[string]*apidiscovery.APIResourceDiscovery{}}
	for i := range version.Resources {
		resource := &version.Resources[i]
		kind := resource.ResponseKind.Kind
		if entry.resources[kind] != nil {
			return fmt.Errorf("%s/%s: two resources of kind %s", group, version.Version, kind)
		}
		entry.resources[kind] = resource
	}
	d[group+"/"+version.Version] = entry
	return nil
}
