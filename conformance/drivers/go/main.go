// The driver of client-go: a task of PROTOCOL.md a line on standard input, its results on standard output.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
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
	Env               map[string]string
}

func (c config) rest(server string) *rest.Config {
	return &rest.Config{
		Host:          server + c.Path,
		Timeout:       c.Timeout.Duration,
		QPS:           c.QPS,
		Burst:         c.Burst,
		UserAgent:     c.UserAgent,
		BearerToken:   c.Token,
		Username:      c.Username,
		Password:      c.Password,
		Impersonate:   rest.ImpersonationConfig{UserName: c.Impersonate, Groups: c.ImpersonateGroups},
		ContentConfig: rest.ContentConfig{ContentType: c.ContentType},
	}
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
	own := t.Config.rest(t.Server)
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
			"impersonateGroups", "contentType", "client", "path", "env"},
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
