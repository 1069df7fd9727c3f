// client-go at the work that the programs in the folders beside it do with their clients: the same calls, server and
// data (bench/peers/README.md).
//
//	client-go --server URL --work WORK --encoding json|protobuf --n N
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/pager"
)

const pod = "app-7d4b9c6f5-7"

var ctx = context.Background()

var works = map[string]func(*kubernetes.Clientset, int) error{
	"get": func(clientset *kubernetes.Clientset, n int) error {
		pods := clientset.CoreV1().Pods("default")
		for range n {
			if _, err := pods.Get(ctx, pod, metav1.GetOptions{}); err != nil {
				return err
			}
		}
		return nil
	},
	"list": func(clientset *kubernetes.Clientset, n int) error {
		pods := clientset.CoreV1().Pods("default")
		for range n {
			if list, err := pods.List(ctx, metav1.ListOptions{}); err != nil {
				return err
			} else if len(list.Items) == 0 {
				return fmt.Errorf("the server has no pods")
			}
		}
		return nil
	},
	"listeach": listEach,
	"watch":    watch,
	"create": func(clientset *kubernetes.Clientset, n int) error {
		maps := clientset.CoreV1().ConfigMaps("default")
		for range n {
			if _, err := maps.Create(ctx, sampleMap(newName()), metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		return nil
	},
	"update": func(clientset *kubernetes.Clientset, n int) error {
		maps := clientset.CoreV1().ConfigMaps("default")
		one, err := maps.Create(ctx, sampleMap(newName()), metav1.CreateOptions{})
		for i := 0; err == nil && i < n; i++ {
			one.Data["changed"] = strconv.Itoa(i)
			one, err = maps.Update(ctx, one, metav1.UpdateOptions{})
		}
		return err
	},
	"patch": func(clientset *kubernetes.Clientset, n int) error {
		maps := clientset.CoreV1().ConfigMaps("default")
		one, err := maps.Create(ctx, sampleMap(newName()), metav1.CreateOptions{})
		for i := 0; err == nil && i < n; i++ {
			body := []byte(`{"data":{"changed":"` + strconv.Itoa(i) + `"}}`)
			one, err = maps.Patch(ctx, one.Name, types.MergePatchType, body, metav1.PatchOptions{})
		}
		return err
	},
	"apply": func(clientset *kubernetes.Clientset, n int) error {
		maps := clientset.CoreV1().ConfigMaps("default")
		sample := sampleMap(newName())
		one := applycorev1.ConfigMap(sample.Name, "default").WithData(sample.Data)
		for i := range n {
			one.Data["changed"] = strconv.Itoa(i)
			options := metav1.ApplyOptions{FieldManager: "peers", Force: true}
			if _, err := maps.Apply(ctx, one, options); err != nil {
				return err
			}
		}
		return nil
	},
}

// Page by page, of 500 pods each as the pager has it.
func listEach(clientset *kubernetes.Clientset, n int) error {
	list := func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return clientset.CoreV1().Pods("default").List(ctx, options)
	}
	for range n {
		items := 0
		err := pager.New(list).EachListItem(ctx, metav1.ListOptions{}, func(runtime.Object) error {
			items++
			return nil
		})
		if err != nil {
			return err
		} else if items == 0 {
			return fmt.Errorf("the server has no pods")
		}
	}
	return nil
}

// A watch without a revision begins with an event for every pod; it is opened again when all have come.
func watch(clientset *kubernetes.Clientset, n int) error {
	pods := clientset.CoreV1().Pods("default")
	count, err := pods.List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return err
	}
	all := len(count.Items)
	if count.RemainingItemCount != nil {
		all += int(*count.RemainingItemCount)
	}
	if all == 0 {
		return fmt.Errorf("the server has no pods")
	}
	for n > 0 {
		stream, err := pods.Watch(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return err
		}
		for i := 0; i < all && n > 0; i, n = i+1, n-1 {
			if event := <-stream.ResultChan(); event.Object == nil {
				return fmt.Errorf("the watch has ended")
			}
		}
		stream.Stop()
	}
	return nil
}

func sampleMap(name string) *corev1.ConfigMap {
	one := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}, Data: map[string]string{}}
	for i := range 10 {
		one.Data["key-"+strconv.Itoa(i)] = strings.Repeat("x", 90)
	}
	return one
}

var count int

// Unlike those of another run at the same server.
func newName() string {
	count++
	return fmt.Sprintf("peers-go-%d-%d", os.Getpid(), count)
}

func cpu() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano()/1000 + usage.Stime.Nano()/1000
}

// In MB of 1,000,000 bytes.
func peak() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes float64
	fmt.Sscan(rest, &kilobytes)
	return kilobytes * 1024 / 1e6
}

func main() {
	server := flag.String("server", "", "URL of the server")
	name := flag.String("work", "get", "what to do")
	encoding := flag.String("encoding", "json", "json or protobuf")
	n := flag.Int("n", 1000, "how often")
	flag.Parse()
	work, known := works[*name]
	if !known || *n < 1 || (*encoding != "json" && *encoding != "protobuf") {
		fmt.Fprintf(os.Stderr, "client-go: no such --work %q, --encoding %q or --n %d\n", *name, *encoding, *n)
		os.Exit(2)
	}
	// Without anything of TLS client-go takes Go's default transport, which compresses whatever the setting says.
	config := &rest.Config{Host: *server, QPS: -1, DisableCompression: true,
		TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	config.ContentType = runtime.ContentTypeJSON
	if *encoding == "protobuf" {
		config.ContentType = runtime.ContentTypeProtobuf
	}
	if err := run(config, *name, work, *encoding, *n); err != nil {
		fmt.Fprintln(os.Stderr, "client-go:", err)
		os.Exit(1)
	}
}

func run(config *rest.Config, name string, work func(*kubernetes.Clientset, int) error, encoding string, n int) error {
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := work(clientset, (n+9)/10); err != nil {
		return err
	}
	used, begin := cpu(), time.Now()
	if err := work(clientset, n); err != nil {
		return err
	}
	wall := time.Since(begin)
	used = cpu() - used
	fmt.Printf(`{"who":"client-go v0.37.2","work":"%s","encoding":"%s","n":%d,"cpu_us_per_op":%.2f,`+
		`"wall_us_per_op":%.2f,"peak_rss_mb":%.1f}`+"\n", name, encoding, n, float64(used)/float64(n),
		float64(wall.Microseconds())/float64(n), peak())
	return nil
}
