package main

import (
	"reflect"
	"slices"
	"strings"

	extensionsclient "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	"k8s.io/client-go/kubernetes"
	aggregatorclient "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
)

// client is what Go's typed client of one kind can do.
type client struct {
	accessor   string
	namespaced bool
	verbs      []string
	methods    []clientMethod // all that are not standard verbs
}

type clientMethod struct {
	name string
	body reflect.Type // the object it gives back, or nil
}

// The order is the grammar's.
var standardVerbs = []struct{ method, verb string }{
	{"Create", "create"}, {"Update", "update"}, {"Delete", "delete"}, {"DeleteCollection", "deleteCollection"},
	{"Get", "get"}, {"List", "list"}, {"Watch", "watch"}, {"Patch", "patch"}, {"Apply", "apply"},
}

// clientsOf maps "package.Kind" to its typed client, and "package" to the accessor of its group client.
func clientsOf() (map[string]*client, map[string]string) {
	clients, accessors := map[string]*client{}, map[string]string{}
	kubernetesInterface := reflect.TypeFor[kubernetes.Interface]()
	for _, clientset := range []reflect.Type{kubernetesInterface, reflect.TypeFor[extensionsclient.Interface](),
		reflect.TypeFor[aggregatorclient.Interface]()} {
		for i := range clientset.NumMethod() {
			method := clientset.Method(i)
			if method.Name == "Discovery" {
				continue
			}
			pkg := strings.ToLower(method.Name)
			if clientset == kubernetesInterface {
				accessors[pkg] = method.Name
			}
			addGroupClient(clients, pkg, method.Type.Out(0))
		}
	}
	return clients, accessors
}

func addGroupClient(clients map[string]*client, pkg string, group reflect.Type) {
	for i := range group.NumMethod() {
		method := group.Method(i)
		if method.Name == "RESTClient" {
			continue
		}
		typed := method.Type.Out(0)
		kind := strings.TrimSuffix(typed.Name(), "Interface")
		clients[pkg+"."+kind] = readClient(method.Name, method.Type.NumIn() == 1, typed)
	}
}

func readClient(accessor string, namespaced bool, typed reflect.Type) *client {
	c := &client{accessor: accessor, namespaced: namespaced}
	for _, standard := range standardVerbs {
		if _, has := typed.MethodByName(standard.method); has {
			c.verbs = append(c.verbs, standard.verb)
		}
	}
	for i := range typed.NumMethod() {
		method := typed.Method(i)
		if isStandard(method.Name) {
			continue
		}
		c.methods = append(c.methods, clientMethod{method.Name, resultOf(method.Type)})
	}
	return c
}

func isStandard(method string) bool {
	for _, standard := range standardVerbs {
		if standard.method == method {
			return true
		}
	}
	return false
}

func resultOf(method reflect.Type) reflect.Type {
	if method.NumOut() == 0 || method.Out(0).Kind() != reflect.Pointer {
		return nil
	}
	return method.Out(0).Elem()
}

func (c *client) verbList() string {
	if len(c.verbs) == len(standardVerbs) {
		return "all"
	}
	return strings.Join(c.verbs, ",")
}

// Generated methods of a subresource are a verb and its name: UpdateStatus, GetScale, CreateToken.
var subresourceVerbs = []string{"Get", "Create", "Update", "Apply"}

// subresourceOf says which of the known subresources a method belongs to, or "".
func subresourceOf(method string, known map[string]bool) string {
	for _, verb := range subresourceVerbs {
		name := strings.ToLower(strings.TrimPrefix(method, verb))
		if strings.HasPrefix(method, verb) && (known[name] || name == "status" || name == "scale") {
			return name
		}
	}
	return ""
}

func verbRank(method string) int {
	return slices.IndexFunc(subresourceVerbs, func(verb string) bool { return strings.HasPrefix(method, verb) })
}
