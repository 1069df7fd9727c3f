package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	typedappsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// A duration as Go spells it: "1m30s".
type duration struct{ time.Duration }

func (d *duration) UnmarshalJSON(text []byte) error {
	var spelled string
	if err := json.Unmarshal(text, &spelled); err != nil {
		return err
	}
	parsed, err := time.ParseDuration(spelled)
	d.Duration = parsed
	return err
}

type step struct {
	Timeout     *duration
	CancelAfter *duration
	Parallel    int

	verb string
	call call
}

// The call is the member that is an object.
func (s *step) UnmarshalJSON(text []byte) error {
	type plain step
	if err := json.Unmarshal(text, (*plain)(s)); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	for name, member := range members {
		if strings.HasPrefix(string(member), "{") {
			s.verb = name
			return json.Unmarshal(member, &s.call)
		}
	}
	return errors.New("the step has no call")
}

// One text or several.
type texts []string

func (t *texts) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(t))
}

type call struct {
	Resource        string
	Namespace       string
	Name            string
	Subresource     string
	Options         json.RawMessage
	Object          json.RawMessage
	PatchType       string
	Path            string
	Events          int
	Method          string
	URI             string
	Params          map[string]texts
	Headers         map[string]string
	Body            *string
	ReadOnce        bool
	MaxRetries      *int
	ResourceVersion string
	GroupVersion    string
	Cached          bool
	Fresh           bool
	Scheme          string
	Port            string
}

type result struct {
	OK       bool            `json:"ok"`
	Object   json.RawMessage `json:"object,omitempty"`
	Items    []any           `json:"items,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
	Events   []event         `json:"events,omitempty"`
	Text     *string         `json:"text,omitempty"`
	Created  *bool           `json:"created,omitempty"`
	Error    *failed         `json:"error,omitempty"`
}

type event struct {
	Type   string `json:"type"`
	Object any    `json:"object"`
}

type failed struct {
	Reason            string `json:"reason"`
	Code              int32  `json:"code"`
	Class             string `json:"class"`
	Message           string `json:"message"`
	RetryAfterSeconds int    `json:"retryAfterSeconds,omitempty"`
}

func failure(err error) result {
	out := failed{Class: class(err), Message: err.Error()}
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		out.Reason = string(status.Status().Reason)
		out.Code = status.Status().Code
		out.Class = ""
	}
	if seconds, ok := apierrors.SuggestsClientDelay(err); ok {
		out.RetryAfterSeconds = seconds
	}
	return result{Error: &out}
}

func class(err error) string {
	text := err.Error()
	timeout := net.Error(nil)
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), strings.Contains(text, "connection reset by peer"):
		return "reset"
	case strings.Contains(text, "json parse error"), strings.Contains(text, "is missing in '"),
		strings.Contains(text, "0-length response"), strings.Contains(text, "serializer"),
		strings.Contains(text, "is registered for version"):
		return "decode"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(text, "EOF"):
		return "eof"
	}
	return ""
}

func asJSON(object any) json.RawMessage {
	if typed, ok := object.(runtime.Object); ok {
		if _, isDynamic := object.(*unstructured.Unstructured); !isDynamic {
			if kinds, _, err := scheme.Scheme.ObjectKinds(typed); err == nil {
				typed.GetObjectKind().SetGroupVersionKind(kinds[0])
			}
		}
	}
	text, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return text
}

func done(object any, err error) result {
	if err != nil {
		return failure(err)
	}
	return result{OK: true, Object: asJSON(object)}
}

func (s step) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	if s.Timeout != nil {
		ctx, cancel = context.WithTimeout(context.Background(), s.Timeout.Duration)
	}
	if s.CancelAfter != nil {
		if s.CancelAfter.Duration <= 0 {
			cancel()
		} else {
			time.AfterFunc(s.CancelAfter.Duration, cancel)
		}
	}
	return ctx, cancel
}

func (s step) play(c clients) result {
	ctx, cancel := s.context()
	defer cancel()
	if s.Parallel < 2 {
		return s.call.play(ctx, s.verb, c)
	}
	several := make([]result, s.Parallel)
	var all sync.WaitGroup
	for i := range several {
		all.Go(func() { several[i] = s.call.play(ctx, s.verb, c) })
	}
	all.Wait()
	for _, one := range several {
		if !one.OK {
			return one
		}
	}
	return several[0]
}

func said(text []byte, err error) result {
	if err != nil {
		return failure(err)
	}
	whole := string(text)
	return result{OK: true, Text: &whole}
}

func (c call) options(into any) error {
	if len(c.Options) == 0 {
		return nil
	}
	return json.Unmarshal(c.Options, into)
}

func (c call) patchType() types.PatchType {
	switch c.PatchType {
	case "json":
		return types.JSONPatchType
	case "strategic":
		return types.StrategicMergePatchType
	case "apply":
		return types.ApplyPatchType
	}
	return types.MergePatchType
}

// What a typed and a dynamic client have in common. T is a pointer to an object, L one to a list.
type verbs[T any, L any] interface {
	Create(ctx context.Context, object T, options metav1.CreateOptions) (T, error)
	Update(ctx context.Context, object T, options metav1.UpdateOptions) (T, error)
	Delete(ctx context.Context, name string, options metav1.DeleteOptions) error
	DeleteCollection(ctx context.Context, options metav1.DeleteOptions, list metav1.ListOptions) error
	Get(ctx context.Context, name string, options metav1.GetOptions) (T, error)
	List(ctx context.Context, options metav1.ListOptions) (L, error)
	Watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)
	Patch(ctx context.Context, name string, kind types.PatchType, body []byte, options metav1.PatchOptions,
		subresources ...string) (T, error)
}

// The dynamic client without its optional subresources.
type untyped struct{ dynamic.ResourceInterface }

func (u untyped) Create(ctx context.Context, object *unstructured.Unstructured,
	options metav1.CreateOptions) (*unstructured.Unstructured, error) {
	return u.ResourceInterface.Create(ctx, object, options)
}
func (u untyped) Update(ctx context.Context, object *unstructured.Unstructured,
	options metav1.UpdateOptions) (*unstructured.Unstructured, error) {
	return u.ResourceInterface.Update(ctx, object, options)
}
func (u untyped) Delete(ctx context.Context, name string, options metav1.DeleteOptions) error {
	return u.ResourceInterface.Delete(ctx, name, options)
}
func (u untyped) Get(ctx context.Context, name string,
	options metav1.GetOptions) (*unstructured.Unstructured, error) {
	return u.ResourceInterface.Get(ctx, name, options)
}

func (c call) play(ctx context.Context, verb string, clients clients) result {
	if special, ok := c.special(ctx, verb, clients); ok {
		return special
	}
	switch clients.kind {
	case "metadata":
		return c.ofMetadata(ctx, verb, clients)
	case "typed":
		switch c.Resource {
		case "v1/configmaps":
			return do[*corev1.ConfigMap, *corev1.ConfigMapList](ctx, clients.typed.CoreV1().ConfigMaps(c.Namespace),
				verb, c, &corev1.ConfigMap{})
		case "v1/pods":
			return do[*corev1.Pod, *corev1.PodList](ctx, clients.typed.CoreV1().Pods(c.Namespace), verb, c,
				&corev1.Pod{})
		case "apps/v1/deployments":
			return do[*appsv1.Deployment, *appsv1.DeploymentList](ctx,
				clients.typed.AppsV1().Deployments(c.Namespace), verb, c, &appsv1.Deployment{})
		case "v1/namespaces":
			return do[*corev1.Namespace, *corev1.NamespaceList](ctx, namespaces{clients.typed.CoreV1().Namespaces()},
				verb, c, &corev1.Namespace{})
		case "v1/nodes":
			return do[*corev1.Node, *corev1.NodeList](ctx, clients.typed.CoreV1().Nodes(), verb, c, &corev1.Node{})
		}
		return failure(fmt.Errorf("the driver has no typed client of %s", c.Resource))
	}
	return do[*unstructured.Unstructured, *unstructured.UnstructuredList](ctx,
		untyped{clients.dynamic.Resource(c.gvr()).Namespace(c.Namespace)}, verb, c, &unstructured.Unstructured{})
}

func do[T any, L any](ctx context.Context, client verbs[T, L], verb string, c call, object T) result {
	var list metav1.ListOptions
	switch verb {
	case "list", "watch", "deletecollection":
		if err := c.options(&list); err != nil {
			return failure(err)
		}
	}
	switch verb {
	case "get":
		var options metav1.GetOptions
		if err := c.options(&options); err != nil {
			return failure(err)
		}
		return done(client.Get(ctx, c.Name, options))
	case "list":
		return listed(client.List(ctx, list))
	case "watch":
		watcher, err := client.Watch(ctx, list)
		if err != nil {
			return failure(err)
		}
		return watched(watcher, c.Events)
	case "retryWatch":
		return c.retryWatch(ctx, client.Watch)
	case "apply", "applyStatus":
		return c.apply(ctx, verb, client)
	case "delete":
		var options metav1.DeleteOptions
		if err := c.options(&options); err != nil {
			return failure(err)
		}
		return plain(client.Delete(ctx, c.Name, options))
	case "deletecollection":
		return plain(client.DeleteCollection(ctx, metav1.DeleteOptions{}, list))
	case "patch":
		var options metav1.PatchOptions
		if err := c.options(&options); err != nil {
			return failure(err)
		}
		body := []byte(c.Object)
		if len(body) == 0 {
			body = []byte("{}")
		}
		if c.Subresource != "" {
			return done(client.Patch(ctx, c.Name, c.patchType(), body, options, c.Subresource))
		}
		return done(client.Patch(ctx, c.Name, c.patchType(), body, options))
	}
	if err := json.Unmarshal(c.Object, object); err != nil {
		return failure(err)
	}
	if verb == "create" {
		var options metav1.CreateOptions
		if err := c.options(&options); err != nil {
			return failure(err)
		}
		return done(client.Create(ctx, object, options))
	}
	var options metav1.UpdateOptions
	if err := c.options(&options); err != nil {
		return failure(err)
	}
	if verb == "updateStatus" || verb == "update" && c.Subresource == "status" {
		if statuses, ok := client.(interface {
			UpdateStatus(ctx context.Context, object T, options metav1.UpdateOptions) (T, error)
		}); ok {
			return done(statuses.UpdateStatus(ctx, object, options))
		}
	}
	if verb != "update" {
		return failure(errNoVerb)
	}
	return done(client.Update(ctx, object, options))
}

// Namespaces cannot be deleted by a selector, and no case tries to.
type namespaces struct{ typedcorev1.NamespaceInterface }

func (namespaces) DeleteCollection(context.Context, metav1.DeleteOptions, metav1.ListOptions) error {
	return errNoVerb
}

// The applies have a type of their own for what they are given.
func (c call) apply(ctx context.Context, verb string, client any) result {
	var options metav1.ApplyOptions
	if err := c.options(&options); err != nil {
		return failure(err)
	}
	status := verb == "applyStatus"
	switch client := client.(type) {
	case typedcorev1.ConfigMapInterface:
		return applied(ctx, c, options, client.Apply)
	case typedcorev1.PodInterface:
		if status {
			return applied(ctx, c, options, client.ApplyStatus)
		}
		return applied(ctx, c, options, client.Apply)
	case typedappsv1.DeploymentInterface:
		if status {
			return applied(ctx, c, options, client.ApplyStatus)
		}
		return applied(ctx, c, options, client.Apply)
	case untyped:
		var object unstructured.Unstructured
		if err := json.Unmarshal(c.Object, &object); err != nil {
			return failure(err)
		}
		if status {
			return done(client.ResourceInterface.ApplyStatus(ctx, object.GetName(), &object, options))
		}
		return done(client.ResourceInterface.Apply(ctx, object.GetName(), &object, options))
	}
	return failure(errNoVerb)
}

func applied[C any, T any](ctx context.Context, c call, options metav1.ApplyOptions,
	apply func(context.Context, *C, metav1.ApplyOptions) (T, error)) result {
	configuration := new(C)
	if err := json.Unmarshal(c.Object, configuration); err != nil {
		return failure(err)
	}
	return done(apply(ctx, configuration, options))
}

func plain(err error) result {
	if err != nil {
		return failure(err)
	}
	return result{OK: true}
}

func watched(watcher watch.Interface, most int) result {
	defer watcher.Stop()
	out := result{OK: true}
	for one := range watcher.ResultChan() {
		var object any = asJSON(one.Object)
		if status, ok := one.Object.(*metav1.Status); ok {
			object = map[string]any{"kind": "Status", "code": status.Code, "reason": status.Reason,
				"message": status.Message}
		}
		out.Events = append(out.Events, event{Type: string(one.Type), Object: object})
		if len(out.Events) == most {
			break
		}
	}
	return out
}
