// The driver of client-go: a task of PROTOCOL.md a line on standard input, its results on standard output.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"os"

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
	KubeconfigPath    *string
	InCluster         bool
	Overrides         map[string]string
	Warnings          string
	Metrics           bool
}

// What a command line would say.
func (c config) overrides() (*clientcmd.ConfigOverrides, error) {
	out := &clientcmd.ConfigOverrides{}
	for name, value := range c.Overrides {
		switch name {
		case "context":
			out.CurrentContext = value
		case "cluster":
			out.Context.Cluster = value
		case "user":
			out.Context.AuthInfo = value
		case "namespace":
			out.Context.Namespace = value
		case "server":
			out.ClusterInfo.Server = value
		case "token":
			out.AuthInfo.Token = value
		case "as":
			out.AuthInfo.Impersonate = value
		case "timeout":
			out.Timeout = value
		case "insecure":
			out.ClusterInfo.InsecureSkipTLSVerify = value == "true"
		default:
			return nil, fmt.Errorf("overrides has no %s", name)
		}
	}
	return out, nil
}

func (c config) base(server string) (*rest.Config, error) {
	if c.InCluster {
		return rest.InClusterConfig()
	}
	overrides, err := c.overrides()
	if err != nil {
		return nil, err
	}
	if c.KubeconfigPath != nil {
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		rules.ExplicitPath = *c.KubeconfigPath
		return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	}
	if c.Kubeconfig != "" {
		read, err := clientcmd.Load([]byte(c.Kubeconfig))
		if err != nil {
			return nil, err
		}
		return clientcmd.NewDefaultClientConfig(*read, overrides).ClientConfig()
	}
	return &rest.Config{Host: server + c.Path}, nil
}

func (c config) rest(server string) (*rest.Config, error) {
	own, err := c.base(server)
	if err != nil {
		return nil, err
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

func play(t task) map[string]any {
	for name, value := range t.Config.Env {
		os.Setenv(name, value)
		defer os.Unsetenv(name)
	}
	results := make([]result, len(t.Steps))
	answer := map[string]any{"results": results}
	all := func(err error) map[string]any {
		for i := range results {
			results[i] = failure(err)
		}
		return answer
	}
	own, err := t.Config.rest(t.Server)
	if err != nil {
		return all(err)
	}
	var heard warnings
	heard.listen(own, t.Config.Warnings)
	counted.reset()
	clients, err := newClients(own, cmp.Or(t.Config.Client, "dynamic"))
	if err != nil {
		return all(err)
	}
	for i, step := range t.Steps {
		results[i] = step.play(clients)
	}
	if t.Config.Warnings != "" {
		answer["warnings"] = heard.heard()
	}
	if t.Config.Metrics {
		answer["metrics"] = &counted
	}
	return answer
}

func main() {
	out := json.NewEncoder(os.Stdout)
	out.Encode(map[string]any{
		"driver":  "client-go",
		"version": "v0.37.2",
		"verbs": []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "raw",
			"logs", "request", "updateStatus", "apply", "applyStatus", "getScale", "updateScale", "bind", "evict",
			"createToken", "proxyGet", "retryWatch", "serverVersion", "serverGroups", "serverResources",
			"serverGroupsAndResources", "serverPreferredResources"},
		"config": []string{"timeout", "qps", "burst", "userAgent", "token", "username", "password", "impersonate",
			"impersonateGroups", "contentType", "client", "path", "kubeconfig",
			"env", "kubeconfigPath", "inCluster", "overrides", "warnings", "metrics"},
		"features": []string{"parallel", "maxRetries", "readOnce", "cached", "metadataClient", "scaleClient",
			"listMetadata"},
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
		if err := out.Encode(play(t)); err != nil {
			fmt.Fprintln(os.Stderr, "client-go driver:", err)
			os.Exit(1)
		}
	}
}
