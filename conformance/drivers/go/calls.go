package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"
)

type clients struct {
	typed     kubernetes.Interface
	dynamic   dynamic.Interface
	metadata  metadata.Interface
	scale     scale.ScalesGetter
	discovery discovery.DiscoveryInterface
	cached    discovery.CachedDiscoveryInterface
	kind      string
}

func newClients(config *rest.Config, kind string) (clients, error) {
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		return clients{}, err
	}
	untyped, err := dynamic.NewForConfig(config)
	if err != nil {
		return clients{}, err
	}
	partial, err := metadata.NewForConfig(config)
	if err != nil {
		return clients{}, err
	}
	served, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return clients{}, err
	}
	cached := memory.NewMemCacheClient(served)
	scales, err := scale.NewForConfig(config, restmapper.NewDeferredDiscoveryRESTMapper(cached),
		dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(cached))
	if err != nil {
		return clients{}, err
	}
	return clients{typed, untyped, partial, scales, served, cached, kind}, nil
}

// A call that is not a common verb of typed and dynamic clients.
func (c call) special(ctx context.Context, verb string, clients clients) (result, bool) {
	switch verb {
	case "raw":
		return said(clients.typed.CoreV1().RESTClient().Get().AbsPath(c.Path).DoRaw(ctx)), true
	case "logs":
		return c.logs(ctx, clients), true
	case "request":
		return c.request(ctx, clients), true
	case "getScale", "updateScale":
		return c.scale(ctx, verb, clients), true
	case "bind":
		return plain(clients.typed.CoreV1().Pods(c.Namespace).Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: c.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: "node"},
		}, metav1.CreateOptions{})), true
	case "evict":
		return plain(clients.typed.CoreV1().Pods(c.Namespace).EvictV1(ctx, &policyv1.Eviction{
			ObjectMeta: metav1.ObjectMeta{Name: c.Name, Namespace: c.Namespace},
		})), true
	case "createToken":
		var request authenticationv1.TokenRequest
		if err := json.Unmarshal(c.Object, &request); err != nil {
			return failure(err), true
		}
		return done(clients.typed.CoreV1().ServiceAccounts(c.Namespace).CreateToken(ctx, c.Name, &request,
			metav1.CreateOptions{})), true
	case "proxyGet":
		params := map[string]string{}
		for name, values := range c.Params {
			params[name] = values[0]
		}
		return said(clients.typed.CoreV1().Services(c.Namespace).ProxyGet(c.Scheme, c.Name, c.Port, c.Path,
			params).DoRaw(ctx)), true
	}
	return c.discover(verb, clients)
}

func (c call) logs(ctx context.Context, clients clients) result {
	var options corev1.PodLogOptions
	if err := c.options(&options); err != nil {
		return failure(err)
	}
	stream, err := clients.typed.CoreV1().Pods(c.Namespace).GetLogs(c.Name, &options).Stream(ctx)
	if err != nil {
		return failure(err)
	}
	defer stream.Close()
	return said(io.ReadAll(stream))
}

func (c call) request(ctx context.Context, clients clients) result {
	request := clients.typed.CoreV1().RESTClient().Verb(c.Method)
	if c.Path != "" {
		request.AbsPath(c.Path)
	}
	for name, several := range c.Params {
		for _, value := range several {
			request.Param(name, value)
		}
	}
	if c.URI != "" {
		request.RequestURI(c.URI)
	}
	for name, value := range c.Headers {
		request.SetHeader(name, value)
	}
	if c.Body != nil && c.ReadOnce {
		// Wrapped, so that its kind does not show that it could be read again.
		request.Body(io.MultiReader(strings.NewReader(*c.Body)))
	} else if c.Body != nil {
		request.Body([]byte(*c.Body))
	}
	if c.MaxRetries != nil {
		request.MaxRetries(*c.MaxRetries)
	}
	var created bool
	answer := request.Do(ctx).WasCreated(&created)
	out := said(answer.Raw())
	out.Created = &created
	if !out.OK {
		out = failure(answer.Error())
	}
	return out
}

func (c call) scale(ctx context.Context, verb string, clients clients) result {
	resource := c.gvr()
	if clients.kind != "scale" && resource.GroupResource().String() != "deployments.apps" {
		return failure(fmt.Errorf("the driver has no typed scale of %s", c.Resource))
	}
	scales := clients.scale.Scales(c.Namespace)
	deployments := clients.typed.AppsV1().Deployments(c.Namespace)
	if verb == "getScale" {
		if clients.kind == "scale" {
			return done(scales.Get(ctx, resource.GroupResource(), c.Name, metav1.GetOptions{}))
		}
		return done(deployments.GetScale(ctx, c.Name, metav1.GetOptions{}))
	}
	var object autoscalingv1.Scale
	if err := json.Unmarshal(c.Object, &object); err != nil {
		return failure(err)
	}
	if clients.kind == "scale" {
		return done(scales.Update(ctx, resource.GroupResource(), &object, metav1.UpdateOptions{}))
	}
	return done(deployments.UpdateScale(ctx, c.Name, &object, metav1.UpdateOptions{}))
}

// Partial failures are an error beside the items.
func lists(lists []*metav1.APIResourceList, err error) result {
	out := result{OK: true}
	if err != nil {
		out = failure(err)
	}
	for _, one := range lists {
		out.Items = append(out.Items, one)
	}
	return out
}

func (c call) discover(verb string, clients clients) (result, bool) {
	source := clients.discovery
	if c.Fresh {
		clients.cached.Invalidate()
	}
	if c.Cached {
		source = clients.cached
	}
	switch verb {
	case "serverVersion":
		version, err := source.ServerVersion()
		if err != nil {
			return failure(err), true
		}
		return result{OK: true, Object: asJSON(version)}, true
	case "serverGroups":
		groups, err := source.ServerGroups()
		if err != nil {
			return failure(err), true
		}
		out := result{OK: true}
		for _, group := range groups.Groups {
			out.Items = append(out.Items, group)
		}
		return out, true
	case "serverResources":
		list, err := source.ServerResourcesForGroupVersion(c.GroupVersion)
		if err != nil {
			return failure(err), true
		}
		return result{OK: true, Object: asJSON(list)}, true
	case "serverGroupsAndResources":
		_, found, err := source.ServerGroupsAndResources()
		return lists(found, err), true
	case "serverPreferredResources":
		return lists(source.ServerPreferredResources()), true
	}
	return result{}, false
}

func (c call) gvr() schema.GroupVersionResource {
	parts := strings.Split(c.Resource, "/")
	if len(parts) == 2 {
		parts = append([]string{""}, parts...)
	}
	return schema.GroupVersionResource{Group: parts[0], Version: parts[1], Resource: parts[2]}
}

// A common verb with the client of metadata.
func (c call) ofMetadata(ctx context.Context, verb string, clients clients) result {
	resource := clients.metadata.Resource(c.gvr()).Namespace(c.Namespace)
	var list metav1.ListOptions
	switch verb {
	case "list", "watch":
		if err := c.options(&list); err != nil {
			return failure(err)
		}
	}
	switch verb {
	case "get":
		return done(resource.Get(ctx, c.Name, metav1.GetOptions{}))
	case "list":
		return listed(resource.List(ctx, list))
	case "watch":
		watcher, err := resource.Watch(ctx, list)
		if err != nil {
			return failure(err)
		}
		return watched(watcher, c.Events)
	case "delete":
		return plain(resource.Delete(ctx, c.Name, metav1.DeleteOptions{}))
	case "patch":
		return done(resource.Patch(ctx, c.Name, c.patchType(), c.Object, metav1.PatchOptions{}))
	}
	return failure(fmt.Errorf("the client of metadata has no %s", verb))
}

func listed(list any, err error) result {
	if err != nil {
		return failure(err)
	}
	var parts struct {
		Items    []any
		Metadata json.RawMessage
	}
	if err := json.Unmarshal(asJSON(list), &parts); err != nil {
		return failure(err)
	}
	return result{OK: true, Items: parts.Items, Metadata: parts.Metadata}
}

type watches func(context.Context, metav1.ListOptions) (watch.Interface, error)

func (w watches) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	return w(ctx, options)
}

var _ cache.WatcherWithContext = watches(nil)

func (c call) retryWatch(ctx context.Context, open watches) result {
	var list metav1.ListOptions
	if err := c.options(&list); err != nil {
		return failure(err)
	}
	watcher, err := toolswatch.NewRetryWatcherWithContext(ctx, c.ResourceVersion,
		watches(func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector, options.FieldSelector = list.LabelSelector, list.FieldSelector
			return open(ctx, options)
		}))
	if err != nil {
		return failure(err)
	}
	return watched(watcher, c.Events)
}

var errNoVerb = errors.New("the client has no such verb")
