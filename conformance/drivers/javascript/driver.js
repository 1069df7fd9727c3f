// The driver of @kubernetes/client-node: a task of PROTOCOL.md a line on standard input, its results on the output.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as k8s from '@kubernetes/client-node';

const installed = new URL('../package.json', import.meta.resolve('@kubernetes/client-node'));
const HELLO = {
  driver: 'client-node',
  version: JSON.parse(readFileSync(fileURLToPath(installed), 'utf8')).version,
  verbs: ['get', 'list', 'watch', 'create', 'update', 'updateStatus', 'patch', 'apply', 'applyStatus', 'delete',
    'deletecollection', 'logs', 'getScale', 'updateScale', 'bind', 'evict', 'createToken', 'proxyGet', 'serverVersion',
    'serverResources'],
  config: ['token', 'username', 'password', 'impersonate', 'client', 'path', 'kubeconfig', 'kubeconfigPath',
    'inCluster', 'overrides.context', 'env'],
  features: ['parallel', 'listMetadata'],
};
// The runner starts a driver anew that takes a minute; this one outlives a client that waits for ever.
const PATIENCE_MS = 40_000;

const PATCHES = {
  merge: k8s.PatchStrategy.MergePatch,
  json: k8s.PatchStrategy.JsonPatch,
  strategic: k8s.PatchStrategy.StrategicMergePatch,
  apply: k8s.PatchStrategy.ServerSideApply,
};
// The client has one set of methods for built-in kinds, typed, and one for all kinds of the other groups.
const BUILT_IN = {
  'v1/configmaps': [k8s.CoreV1Api, 'ConfigMap'],
  'v1/pods': [k8s.CoreV1Api, 'Pod'],
  'v1/secrets': [k8s.CoreV1Api, 'Secret'],
  'v1/services': [k8s.CoreV1Api, 'Service'],
  'v1/namespaces': [k8s.CoreV1Api, 'Namespace'],
  'v1/nodes': [k8s.CoreV1Api, 'Node'],
  'apps/v1/deployments': [k8s.AppsV1Api, 'Deployment'],
};
const CLUSTER_WIDE = ['Namespace', 'Node'];
// The calls of a step, of these verbs, in other words.
const SAME_AS = {
  updateStatus: ['update', { subresource: 'status' }],
  apply: ['patch', { patchType: 'apply' }],
  applyStatus: ['patch', { patchType: 'apply', subresource: 'status' }],
  getScale: ['get', { subresource: 'scale' }],
  updateScale: ['update', { subresource: 'scale' }],
};
const METHODS = {
  get: 'read', list: 'list', create: 'create', update: 'replace', patch: 'patch', delete: 'delete',
  deletecollection: 'deleteCollection',
};
const CUSTOM_METHODS = { ...METHODS, get: 'get' };

function milliseconds(duration) {
  const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, ns: 1e-6 };
  const parts = duration.matchAll(/([\d.]+)(h|ms|us|ns|m|s)/g);
  return [...parts].reduce((sum, [, number, unit]) => sum + number * units[unit], 0);
}

function kubeConfig({ server, config = {} }) {
  const kc = new k8s.KubeConfig();
  if (config.inCluster) {
    kc.loadFromCluster();
  } else if (config.kubeconfig !== undefined) {
    kc.loadFromString(config.kubeconfig);
  } else if (config.kubeconfigPath) {
    kc.loadFromFile(config.kubeconfigPath);
  } else if (config.kubeconfigPath === '') {
    kc.loadFromDefault();
  } else {
    // The client speaks plain HTTP only where certificates do not matter.
    const skipTLSVerify = server.startsWith('http:');
    const cluster = { name: 'cluster', server: server + (config.path ?? ''), skipTLSVerify };
    kc.loadFromClusterAndUser(cluster, { name: 'user' });
  }
  if (config.overrides?.context !== undefined) kc.setCurrentContext(config.overrides.context);
  const user = kc.getCurrentUser();
  for (const [name, property] of
    [['token', 'token'], ['username', 'username'], ['password', 'password'], ['impersonate', 'impersonateUser']]) {
    if (config[name] !== undefined) user[property] = config[name];
  }
  return kc;
}

// What ends the call from outside: the caller's deadline, or that the caller gives up.
function signalOf(step) {
  if (step.timeout !== undefined) return AbortSignal.timeout(milliseconds(step.timeout));
  if (step.cancelAfter === undefined) return undefined;
  const after = milliseconds(step.cancelAfter);
  if (after <= 0) return AbortSignal.abort();
  const controller = new AbortController();
  setTimeout(() => controller.abort(), after).unref();
  return controller.signal;
}

// What one call has of its own: a signal, and the header that the client offers a helper for.
function settings(signal, contentType) {
  const aborts = {
    pre: (request) => {
      request.setSignal(signal);
      return new k8s.Observable(Promise.resolve(request));
    },
    post: (response) => new k8s.Observable(Promise.resolve(response)),
  };
  const own = { middleware: [aborts], middlewareMergeStrategy: 'append' };
  return contentType ? k8s.setHeaderOptions('Content-Type', contentType, own) : own;
}

// The options as parameters of a generated method.
function parameters({ continue: next, dryRun, ...rest } = {}) {
  if (next !== undefined) rest._continue = next;
  if (dryRun !== undefined) rest.dryRun = [].concat(dryRun).join(',');
  return rest;
}

function methodOf(kc, verb, call) {
  const below = call.subresource ? call.subresource[0].toUpperCase() + call.subresource.slice(1) : '';
  if (BUILT_IN[call.resource] === undefined) {
    const [group, version, plural] = call.resource.split('/');
    if (plural === undefined) throw new Error(`the driver has no API of ${call.resource}`);
    const name = CUSTOM_METHODS[verb] + (call.namespace ? 'Namespaced' : 'Cluster') + 'CustomObject' + below;
    return [kc.makeApiClient(k8s.CustomObjectsApi), name, { group, version, plural }];
  }
  const [Api, kind] = BUILT_IN[call.resource];
  const everywhere = (verb === 'list' || verb === 'deletecollection') && !call.namespace;
  const namespaced = everywhere ? `${kind}ForAllNamespaces` : `Namespaced${kind}`;
  const name = METHODS[verb] + (CLUSTER_WIDE.includes(kind) ? kind : namespaced) + below;
  return [kc.makeApiClient(Api), name, {}];
}

async function playCall(kc, verb, call, signal) {
  const [api, name, where] = methodOf(kc, verb, call);
  const asked = { ...where, ...(verb === 'delete' ? { body: call.options } : parameters(call.options)) };
  if (call.namespace !== undefined) asked.namespace = call.namespace;
  if (call.name !== undefined) asked.name = call.name;
  if (verb === 'create' || verb === 'patch') asked.body = call.object ?? {};
  if (verb === 'update') asked.body = call.object;
  if (verb === 'update' || verb === 'patch') asked.name = call.name ?? call.object.metadata.name;
  const contentType = verb === 'patch' ? PATCHES[call.patchType ?? 'merge'] : undefined;
  if (api[name] === undefined) throw new Error(`the client has no ${name}`);
  const answer = await api[name](asked, settings(signal, contentType));
  if (verb === 'list') {
    const { _continue, ...metadata } = answer.metadata ?? {};  // The client spells it so in its models.
    return { items: answer.items, metadata: _continue === undefined ? metadata : { ...metadata, continue: _continue } };
  }
  return verb.startsWith('delete') ? {} : { object: answer };
}

async function playWatch(kc, call, signal) {
  const parts = call.resource.split('/');
  const path = [parts.length === 2 ? '/api' : '/apis', ...parts.slice(0, -1),
    ...(call.namespace ? ['namespaces', call.namespace] : []), parts.at(-1)].join('/');
  const events = [];
  let opened = false;
  let failed;
  await new Promise((resolve) => {
    let controller;
    const each = (type, object) => {
      if (events.length === call.events) return;
      events.push({ type, object });
      if (events.length === call.events) controller.abort();
    };
    const done = (error) => {
      if (!opened) failed = error;
      resolve();
    };
    new k8s.Watch(kc).watch(path, call.options ?? {}, each, done).then((own) => {
      controller = own;
      opened = true;
      signal?.addEventListener('abort', () => controller.abort());
    }, done);
  });
  if (failed) throw failed;
  return { events };
}

async function playLogs(kc, call) {
  const stream = new PassThrough();
  await new k8s.Log(kc).log(call.namespace, call.name, call.options?.container ?? '', stream, call.options ?? {});
  return { text: await text(stream) };
}

// Subresources that have methods of their own.
async function playBelow(kc, call, signal, verb) {
  const core = kc.makeApiClient(k8s.CoreV1Api);
  const { name, namespace } = call;
  const asked = { name, namespace };
  const own = settings(signal);
  if (verb === 'bind') {
    asked.body = { metadata: { name, namespace }, target: { kind: 'Node', name: 'node' } };
    await core.createNamespacedPodBinding(asked, own);
  } else if (verb === 'evict') {
    await core.createNamespacedPodEviction({ ...asked, body: { metadata: { name, namespace } } }, own);
  } else if (verb === 'createToken') {
    return { object: await core.createNamespacedServiceAccountToken({ ...asked, body: call.object }, own) };
  } else {
    asked.name = [call.scheme, name, call.port].filter((part) => part).join(':');
    return { text: call.path ? await core.connectGetNamespacedServiceProxyWithPath({ ...asked, path: call.path }, own)
      : await core.connectGetNamespacedServiceProxy(asked, own) };
  }
  return {};
}

async function playDiscovery(kc, call, signal, verb) {
  if (verb === 'serverVersion') return { object: await kc.makeApiClient(k8s.VersionApi).getCode({}, settings(signal)) };
  // An API for each group that was known when the client was made: CoreV1Api, AppsV1Api.
  const parts = call.groupVersion.split('/');
  const [group, version] = parts.length === 1 ? ['core', ...parts] : parts;
  const api = [...group.replace(/\.k8s\.io$/, '').split('.'), version]
    .map((part) => part[0].toUpperCase() + part.slice(1)).join('') + 'Api';
  if (k8s[api] === undefined) throw new Error(`the client has no ${api}`);
  return { object: await kc.makeApiClient(k8s[api]).getAPIResources({}, settings(signal)) };
}

const SPECIAL = {
  watch: playWatch, logs: playLogs, bind: playBelow, evict: playBelow, createToken: playBelow, proxyGet: playBelow,
  serverVersion: playDiscovery, serverResources: playDiscovery,
};

function failure(error, step, signal) {
  const out = { reason: '', code: error.code ?? error.statusCode, class: '', message: error.message };
  if (!Number.isInteger(out.code)) out.code = 0;
  try {
    const status = JSON.parse(error.body);
    if (status.kind === 'Status') Object.assign(out, { reason: status.reason ?? '', message: status.message ?? '' });
  } catch {
    // No Status: what the client says is all there is.
  }
  if (signal?.aborted) out.class = step.timeout === undefined ? 'canceled' : 'timeout';
  else if (error.code === 'ECONNREFUSED') out.class = 'refused';
  else if (error.code === 'ECONNRESET' && error.message.includes('ECONNRESET')) out.class = 'reset';
  else if (error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_PREMATURE_CLOSE') out.class = 'eof';
  else if (error instanceof SyntaxError) out.class = 'decode';
  return { ok: false, error: out };
}

async function playAlone(kc, step) {
  const verb = HELLO.verbs.find((one) => one in step);
  let signal;
  try {
    signal = signalOf(step);
    if (SPECIAL[verb]) return { ok: true, ...await SPECIAL[verb](kc, step[verb], signal, verb) };
    const [common, more] = SAME_AS[verb] ?? [verb, {}];
    return { ok: true, ...await playCall(kc, common, { ...step[verb], ...more }, signal) };
  } catch (error) {
    return failure(error, step, signal);
  }
}

// Of several callers the first failure, or else the first success.
async function playStep(kc, step) {
  const several = await Promise.all(Array.from({ length: step.parallel ?? 1 }, () => playAlone(kc, step)));
  return several.find((one) => !one.ok) ?? several[0];
}

async function play(task, results) {
  let kc;
  try {
    kc = kubeConfig(task);
  } catch (error) {
    results.push(...task.steps.map(() => failure(error, {})));
    return;
  }
  for (const step of task.steps) results.push(await playStep(kc, step));
}

const say = (value) => process.stdout.write(JSON.stringify(value) + '\n');
say(HELLO);
for await (const line of createInterface({ input: process.stdin })) {
  const task = JSON.parse(line);
  const before = { ...process.env };
  Object.assign(process.env, task.config?.env);
  const results = [];
  let timer;
  const patience = new Promise((resolve) => { timer = setTimeout(resolve, PATIENCE_MS); });
  await Promise.race([play(task, results), patience]);
  clearTimeout(timer);
  const late = failure(new Error(`the client has not answered within ${PATIENCE_MS / 1000}s`), {});
  say({ results: task.steps.map((_, i) => results[i] ?? late) });
  process.env = before;
}
process.exit(0);
