package main

import (
	"fmt"
	"path"
	"reflect"
	"sort"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	admissionv1beta1 "k8s.io/api/admission/v1beta1"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	apidiscoveryv2beta1 "k8s.io/api/apidiscovery/v2beta1"
	imagepolicyv1alpha1 "k8s.io/api/imagepolicy/v1alpha1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

const metaPath = "k8s.io/apimachinery/pkg/apis/meta/v1"

// metaTypes are wanted although no kind of a group leads to them.
var metaTypes = []reflect.Type{
	reflect.TypeFor[metav1.APIResource](), reflect.TypeFor[metav1.Condition](),
	reflect.TypeFor[metav1.FieldSelectorRequirement](), reflect.TypeFor[metav1.GroupKind](),
	reflect.TypeFor[metav1.GroupResource](), reflect.TypeFor[metav1.GroupVersionForDiscovery](),
	reflect.TypeFor[metav1.GroupVersionKind](), reflect.TypeFor[metav1.GroupVersionResource](),
	reflect.TypeFor[metav1.LabelSelector](), reflect.TypeFor[metav1.ListMeta](),
	reflect.TypeFor[metav1.ManagedFieldsEntry](), reflect.TypeFor[metav1.ObjectMeta](),
	reflect.TypeFor[metav1.OwnerReference](), reflect.TypeFor[metav1.Preconditions](),
	reflect.TypeFor[metav1.RootPaths](), reflect.TypeFor[metav1.ServerAddressByClientCIDR](),
	reflect.TypeFor[metav1.TableRow](), reflect.TypeFor[metav1.TableRowCondition](),
}

// metaKinds have a kind of their own on the wire; most are registered in every group version.
var metaKinds = []reflect.Type{
	reflect.TypeFor[metav1.APIGroup](), reflect.TypeFor[metav1.APIGroupList](),
	reflect.TypeFor[metav1.APIResourceList](), reflect.TypeFor[metav1.APIVersions](),
	reflect.TypeFor[metav1.ApplyOptions](), reflect.TypeFor[metav1.CreateOptions](),
	reflect.TypeFor[metav1.DeleteOptions](), reflect.TypeFor[metav1.GetOptions](),
	reflect.TypeFor[metav1.ListOptions](), reflect.TypeFor[metav1.PartialObjectMetadata](),
	reflect.TypeFor[metav1.PartialObjectMetadataList](), reflect.TypeFor[metav1.PatchOptions](),
	reflect.TypeFor[metav1.Status](), reflect.TypeFor[metav1.Table](), reflect.TypeFor[metav1.TableOptions](),
	reflect.TypeFor[metav1.UpdateOptions](), reflect.TypeFor[metav1.WatchEvent](),
}

// wholeScheme is client-go's scheme and the versions that it leaves out.
func wholeScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientscheme.AddToScheme, admissionv1.AddToScheme, admissionv1beta1.AddToScheme,
		apidiscoveryv2.AddToScheme, apidiscoveryv2beta1.AddToScheme, imagepolicyv1alpha1.AddToScheme,
		apiextensionsv1.AddToScheme, apiregistrationv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return scheme, nil
}

// registered lists what each group version registers for itself.
func registered(scheme *runtime.Scheme) map[schema.GroupVersion][]reflect.Type {
	found := map[schema.GroupVersion][]reflect.Type{}
	for gvk, goType := range scheme.AllKnownTypes() {
		internal := gvk.Version == runtime.APIVersionInternal
		if !internal && goType.PkgPath() != metaPath && gvk.Kind == goType.Name() {
			found[gvk.GroupVersion()] = append(found[gvk.GroupVersion()], goType)
		}
	}
	return found
}

func versionsOf(types map[schema.GroupVersion][]reflect.Type) ([]*groupVersion, error) {
	var versions []*groupVersion
	for gv, goTypes := range types {
		version := newVersion(gv, goTypes[0].PkgPath())
		for _, goType := range goTypes {
			if goType.PkgPath() != version.path {
				return nil, fmt.Errorf("%s: types of two packages: %s", gv, goType)
			}
		}
		versions = append(versions, version)
	}
	versions = append(versions, newVersion(metav1.SchemeGroupVersion, metaPath))
	sort.Slice(versions, func(i, j int) bool { return versions[i].fileName() < versions[j].fileName() })
	return versions, nil
}

func newVersion(gv schema.GroupVersion, pkg string) *groupVersion {
	short, _, _ := strings.Cut(gv.Group, ".")
	if gv.Group == "" {
		short = path.Base(path.Dir(pkg))
	}
	return &groupVersion{group: gv.Group, version: gv.Version, short: short, served: -1, path: pkg, uses: map[string]bool{}}
}
