package main

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/metrics"
)

// Collects the texts of warnings.
type warnings struct {
	mutex sync.Mutex
	texts []string
	once  bytes.Buffer
}

func (w *warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.texts = append(w.texts, text)
}

func (w *warnings) listen(config *rest.Config, how string) {
	switch how {
	case "all":
		config.WarningHandler = w
	case "once":
		config.WarningHandler = rest.NewWarningWriter(&w.once, rest.WarningWriterOptions{Deduplicate: true})
	}
}

func (w *warnings) heard() []string {
	out := append([]string{}, w.texts...)
	for _, line := range strings.Split(strings.TrimSpace(w.once.String()), "\n") {
		if line != "" {
			out = append(out, strings.TrimPrefix(line, "Warning: "))
		}
	}
	return out
}

// Counts what the client's metrics report. They belong to the process, which plays one task at a time.
type counts struct {
	mutex   sync.Mutex
	Results map[string]int `json:"results"`
	Retries map[string]int `json:"retries"`
	Calls   map[string]int `json:"calls"`
}

var counted counts

func (c *counts) reset() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.Results, c.Retries, c.Calls = map[string]int{}, map[string]int{}, map[string]int{}
}

type results struct{}
type retries struct{}
type latencies struct{}

func (results) Increment(_ context.Context, code string, method string, _ string) {
	counted.mutex.Lock()
	defer counted.mutex.Unlock()
	counted.Results[method+" "+code]++
}
func (retries) IncrementRetry(_ context.Context, code string, method string, _ string) {
	counted.mutex.Lock()
	defer counted.mutex.Unlock()
	counted.Retries[method+" "+code]++
}
func (latencies) Observe(_ context.Context, verb string, _ url.URL, _ time.Duration) {
	counted.mutex.Lock()
	defer counted.mutex.Unlock()
	counted.Calls[verb]++
}

func init() {
	counted.reset()
	metrics.Register(metrics.RegisterOpts{RequestResult: results{}, RequestRetry: retries{}, RequestLatency: latencies{}})
}
