package main

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	apidiscovery "k8s.io/api/apidiscovery/v2"
)

// collect reads everything that the files say into one model.
func collect(served discovery) (*api, error) {
	scheme, err := wholeScheme()
	if err != nil {
		return nil, err
	}
	types := registered(scheme)
	versions, err := versionsOf(types)
	if err != nil {
		return nil, err
	}
	a := &api{versions: versions, byPath: map[string]*groupVersion{}}
	for _, version := range versions {
		a.byPath[version.path] = version
	}
	w := &walker{api: a, rules: readOpenAPI(), seen: map[reflect.Type]bool{}}
	// All kinds are known before the first is walked: else one that another refers to would be taken for a type.
	for _, goTypes := range types {
		w.note(goTypes)
	}
	w.note(metaKinds)
	for gv, goTypes := range types {
		w.addKinds(a.byPath[goTypes[0].PkgPath()], goTypes)
		if len(a.byPath[goTypes[0].PkgPath()].kinds) == 0 {
			a.odd(fmt.Sprintf("%s has no kinds", gv))
		}
	}
	w.addMeta()
	clients, accessors := clientsOf()
	for _, version := range versions {
		version.accessor = accessors[version.packageName()]
		describeKinds(a, version, served, clients)
		sortBlocks(version.types)
	}
	for name := range clients {
		a.odd("no kind for the typed client of " + name)
	}
	sort.Strings(a.oddities)
	return a, nil
}

func (w *walker) note(kinds []reflect.Type) {
	for _, goType := range kinds {
		w.seen[goType] = true
	}
}

// addKinds leaves out lists, which are alike but for their kind's name.
func (w *walker) addKinds(version *groupVersion, goTypes []reflect.Type) {
	sort.Slice(goTypes, func(i, j int) bool { return goTypes[i].Name() < goTypes[j].Name() })
	lists := map[string]string{}
	for _, goType := range goTypes {
		if element := listedKind(goType, goTypes); element != "" {
			lists[element] = goType.Name()
		}
	}
	for _, goType := range goTypes {
		if listedKind(goType, goTypes) != "" {
			continue
		}
		b := w.block("kind", goType)
		if list := lists[b.name]; list != b.name+"List" {
			b.attributes.set("list", list)
		}
		version.kinds = append(version.kinds, b)
	}
}

// listedKind is the kind that a list kind lists, or "".
func listedKind(goType reflect.Type, goTypes []reflect.Type) string {
	items, has := goType.FieldByName("Items")
	if !has || items.Type.Kind() != reflect.Slice {
		return ""
	}
	for _, element := range goTypes {
		if element == items.Type.Elem() {
			return element.Name()
		}
	}
	return ""
}

func (w *walker) addMeta() {
	meta := w.api.byPath[metaPath]
	for _, goType := range metaKinds {
		meta.kinds = append(meta.kinds, w.block("kind", goType))
	}
	for _, goType := range metaTypes {
		if !w.seen[goType] {
			meta.types = append(meta.types, w.block("type", goType))
		}
	}
}

func describeKinds(a *api, version *groupVersion, served discovery, clients map[string]*client) {
	resources := map[string]*apidiscovery.APIResourceDiscovery{}
	if entry := served[version.group+"/"+version.version]; entry != nil {
		version.served = entry.position
		resources = entry.resources
	}
	for _, kind := range version.kinds {
		name := version.packageName() + "." + kind.name
		describeKind(a, version, kind, resources[kind.name], clients[name])
		delete(clients, name)
	}
	for kind := range resources {
		if !hasKind(version, kind) {
			a.odd(fmt.Sprintf("%s serves %s, which Go does not know", version.packageName(), kind))
		}
	}
}

func hasKind(version *groupVersion, name string) bool {
	for _, kind := range version.kinds {
		if kind.name == name {
			return true
		}
	}
	return false
}

// describeKind puts what discovery and the typed client know in front of what the type itself says.
func describeKind(a *api, version *groupVersion, kind *block, resource *apidiscovery.APIResourceDiscovery, c *client) {
	ofType := kind.attributes
	kind.attributes = nil
	if resource == nil && c != nil {
		resource = guess(kind.name, c)
	}
	if resource == nil {
		kind.attributes = ofType
		return
	}
	at := &kind.attributes
	at.set("resource", resource.Resource)
	if c != nil {
		at.set("client", c.accessor)
		if c.namespaced != (resource.Scope == apidiscovery.ScopeNamespace) {
			a.odd(fmt.Sprintf("%s.%s: client and server differ in scope", version.packageName(), kind.name))
		}
		if strings.ToLower(c.accessor) != resource.Resource {
			a.odd(fmt.Sprintf("%s.%s: accessor %s of resource %s", version.packageName(), kind.name, c.accessor, resource.Resource))
		}
	}
	at.set("singular", resource.SingularResource)
	at.list("short", resource.ShortNames)
	at.list("categories", resource.Categories)
	at.set("scope", strings.ToLower(string(resource.Scope)))
	extra := addSubresources(a, version, kind, resource, c)
	if c != nil {
		at.set("verbs", c.verbList())
	}
	at.list("extra", extra)
	at.list("served", resource.Verbs)
	*at = append(*at, ofType...)
}

// guess describes a resource that a default server does not serve as its typed client would ask for it.
func guess(kind string, c *client) *apidiscovery.APIResourceDiscovery {
	scope := apidiscovery.ScopeCluster
	if c.namespaced {
		scope = apidiscovery.ScopeNamespace
	}
	return &apidiscovery.APIResourceDiscovery{Resource: strings.ToLower(c.accessor), SingularResource: strings.ToLower(kind), Scope: scope}
}

// addSubresources gives a kind the rows that discovery or the typed client know, and returns the methods left over.
func addSubresources(a *api, version *groupVersion, kind *block, resource *apidiscovery.APIResourceDiscovery, c *client) []string {
	known, methods, bodies := map[string]bool{}, map[string][]string{}, map[string]string{}
	verbs := map[string][]string{}
	for _, entry := range resource.Subresources {
		known[entry.Subresource] = true
		verbs[entry.Subresource] = entry.Verbs
		bodies[entry.Subresource] = bodyName(a, version, entry)
	}
	extra := assignMethods(a, known, methods, bodies, c)
	var names []string
	for name := range known {
		names = append(names, name)
	}
	sort.Strings(names)
	self := version.packageName() + "." + kind.name
	for _, name := range names {
		s := sub{name: name}
		if bodies[name] != self {
			s.attributes.set("kind", bodies[name])
			if pkg, _, _ := strings.Cut(bodies[name], "."); pkg != version.packageName() {
				version.uses[pkg] = true
			}
		}
		s.attributes.list("served", verbs[name])
		sort.Slice(methods[name], func(i, j int) bool { return verbRank(methods[name][i]) < verbRank(methods[name][j]) })
		s.attributes.list("methods", methods[name])
		kind.subs = append(kind.subs, s)
	}
	return extra
}

func assignMethods(a *api, known map[string]bool, methods map[string][]string, bodies map[string]string, c *client) []string {
	var extra []string
	if c == nil {
		return nil
	}
	for _, method := range c.methods {
		name := subresourceOf(method.name, known)
		if name == "" {
			extra = append(extra, method.name)
			continue
		}
		known[name] = true
		methods[name] = append(methods[name], method.name)
		body := a.byPath[method.body.PkgPath()].packageName() + "." + method.body.Name()
		if bodies[name] != "" && bodies[name] != body {
			a.odd(fmt.Sprintf("%s: the client says %s, the server %s", method.name, body, bodies[name]))
		}
		bodies[name] = body
	}
	return extra
}

// bodyName is the kind that discovery names; without a version it is one of the same group version.
func bodyName(a *api, version *groupVersion, entry apidiscovery.APISubresourceDiscovery) string {
	response := entry.ResponseKind
	if response == nil {
		a.odd(fmt.Sprintf("%s: subresource %s without a kind", version.packageName(), entry.Subresource))
		return ""
	}
	if response.Version == "" {
		return version.packageName() + "." + response.Kind
	}
	for _, other := range a.versions {
		if other.group == response.Group && other.version == response.Version {
			return other.packageName() + "." + response.Kind
		}
	}
	a.odd(fmt.Sprintf("%s: subresource %s of unknown kind %s", version.packageName(), entry.Subresource, response))
	return ""
}
