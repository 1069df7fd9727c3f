// The driver of client-go: a task of PROTOCOL.md a line on standard input, its results on standard output.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

type task struct {
	Case   string
	Server string
	Config config
	Steps  []step
}

type config struct {
	Timeout           duration
	QPS               float32
	Burst             int
	UserAgent         string
	Token             string
	Username          string
	Password          string
	Impersonate       string
	ImpersonateGroups []string
	ContentType       string
	Client            string
	Path              string
	Kubeconfig        string
	Env               map[string]string
}

func (c config) rest(server string) (*rest.Config, error) {
	own := &rest.Config{Host: server + c.Path}
	if c.Kubeconfig != "" {
		read, err := clientcmd.RESTConfigFromKubeConfig([]byte(c.Kubeconfig))
		if err != nil {
			return nil, err
		}
		own = read
	}
	own.Timeout = cmp.Or(c.Timeout.Duration, own.Timeout)
	own.QPS = c.QPS
	own.Burst = c.Burst
	own.UserAgent = c.UserAgent
	own.BearerToken = cmp.Or(c.Token, own.BearerToken)
	own.Username = cmp.Or(c.Username, own.Username)
	own.Password = cmp.Or(c.Password, own.Password)
	own.ContentType = c.ContentType
	if c.Impersonate != "" || len(c.ImpersonateGroups) > 0 {
		own.Impersonate = rest.ImpersonationConfig{UserName: c.Impersonate, Groups: c.ImpersonateGroups}
	}
	return own, nil
}

func play(t task) []result {
	for name, value := range t.Config.Env {
		os.Setenv(name, value)
		defer os.Unsetenv(name)
	}
	results := make([]result, len(t.Steps))
	all := func(err error) []result {
		for i := range results {
			results[i] = failure(err)
		}
		return results
	}
	own, err := t.Config.rest(t.Server)
	if err != nil {
		return all(err)
	}
	typed, err := kubernetes.NewForConfig(own)
	if err != nil {
		return all(err)
	}
	untyped, err := dynamic.NewForConfig(own)
	if err != nil {
		return all(err)
	}
	clients := clients{typed: typed, dynamic: untyped, useTyped: t.Config.Client == "typed"}
	for i, step := range t.Steps {
		results[i] = step.play(clients)
	}
	return results
}

func main() {
	out := json.NewEncoder(os.Stdout)
	out.Encode(map[string]any{
		"driver":  "client-go",
		"version": "v0.37.2",
		"verbs": []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "raw",
			"logs"},
		"config": []string{"timeout", "qps", "burst", "userAgent", "token", "username", "password", "impersonate",
			"impersonateGroups", "contentType", "client", "path", "kubeconfig",
			"env"},
	})
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var t task
		if err := json.Unmarshal(line, &t); err != nil {
			fmt.Fprintln(os.Stderr, "client-go driver:", err)
			os.Exit(1)
		}
		if err := out.Encode(map[string]any{"results": play(t)}); err != nil {
			fmt.Fprintln(os.Stderr, "client-go driver:", err)
			os.Exit(1)
		}
	}
}
