import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.DeletionPropagation;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.KubernetesResourceList;
import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.authentication.TokenRequest;
import io.fabric8.kubernetes.api.model.autoscaling.v1.Scale;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Version;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.AnyNamespaceOperation;
import io.fabric8.kubernetes.client.dsl.BytesLimitTerminateTimeTailPrettyLoggable;
import io.fabric8.kubernetes.client.dsl.ContainerResource;
import io.fabric8.kubernetes.client.dsl.FieldValidateable;
import io.fabric8.kubernetes.client.dsl.MixedOperation;
import io.fabric8.kubernetes.client.dsl.NonDeletingOperation;
import io.fabric8.kubernetes.client.dsl.PodResource;
import io.fabric8.kubernetes.client.dsl.PrettyLoggable;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.ServerSideApplicable;
import io.fabric8.kubernetes.client.dsl.TailPrettyLoggable;
import io.fabric8.kubernetes.client.dsl.TimeTailPrettyLoggable;
import io.fabric8.kubernetes.client.dsl.WritableOperation;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The driver of fabric8's client: a task of PROTOCOL.md a line on standard input, its results on standard output. */
public final class Driver {
  private static final List<String> VERBS = List.of("get", "list", "watch", "create", "update", "updateStatus", "patch",
      "apply", "applyStatus", "delete", "deletecollection", "raw", "logs", "getScale", "updateScale", "evict",
      "createToken", "serverVersion", "serverResources");
  private static final List<String> CONFIG = List.of("timeout", "userAgent", "token", "username", "password",
      "impersonate", "impersonateGroups", "client", "path", "kubeconfig", "kubeconfigPath", "overrides.context");
  private static final List<String> FEATURES = List.of("parallel", "listMetadata");
  // The runner starts a driver anew that takes a minute; this one outlives a client that waits for ever.
  private static final long PATIENCE_MILLIS = 40_000;
  // To close a watch that is open when its time is up; one that does not open is a failure after it.
  private static final long WATCH_GRACE_MILLIS = 250;

  private static final Map<String, PatchType> PATCHES = Map.of("merge", PatchType.JSON_MERGE, "json", PatchType.JSON,
      "strategic", PatchType.STRATEGIC_MERGE);
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final Pattern DURATION = Pattern.compile("([\\d.]+)(h|ms|us|ns|m|s)");
  private static final ExecutorService CALLS = Executors.newCachedThreadPool(call -> {
    Thread thread = new Thread(call);
    thread.setDaemon(true);
    return thread;
  });

  private final KubernetesClient client;
  private final boolean typed;
  private final long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
  // When a watch that is open ends well, as the caller's time is up.
  private volatile long watchEnd = end;

  private Driver(KubernetesClient client, boolean typed) {
    this.client = client;
    this.typed = typed;
  }

  private static long millis(String duration) {
    Map<String, Double> units = Map.of("h", 3.6e6, "m", 6e4, "s", 1e3, "ms", 1.0, "us", 1e-3, "ns", 1e-6);
    return (long) DURATION.matcher(duration).results()
        .mapToDouble(part -> Double.parseDouble(part.group(1)) * units.get(part.group(2))).sum();
  }

  private static KubernetesClient connect(JsonNode task) {
    JsonNode settings = task.path("config");
    String context = settings.path("overrides").path("context").asString(null);
    // A path that is empty needs an environment, which a driver in Java cannot change.
    Config own = settings.has("kubeconfig") ? Config.fromKubeconfig(settings.path("kubeconfig").asString())
        : settings.has("kubeconfigPath")
            ? Config.fromKubeconfig(context, new File(settings.path("kubeconfigPath").asString()))
            : fromSettings(task.path("server").asString() + settings.path("path").asString(""), settings);
    // A watch of a case is one watch over plain HTTP, as the server speaks no WebSocket there: that this client would
    // open another when it ends is no answer to it.
    own.setWatchReconnectLimit(0);
    own.setOnlyHttpWatches(true);
    return new KubernetesClientBuilder().withConfig(own).build();
  }

  private static Config fromSettings(String server, JsonNode settings) {
    ConfigBuilder config = new ConfigBuilder(Config.empty()).withMasterUrl(server);
    if (settings.has("timeout")) config.withRequestTimeout((int) millis(settings.path("timeout").asString()));
    if (settings.has("userAgent")) config.withUserAgent(settings.path("userAgent").asString());
    if (settings.has("token")) config.withOauthToken(settings.path("token").asString());
    if (settings.has("username")) config.withUsername(settings.path("username").asString());
    if (settings.has("password")) config.withPassword(settings.path("password").asString());
    if (settings.has("impersonate")) config.withImpersonateUsername(settings.path("impersonate").asString());
    if (settings.has("impersonateGroups")) {
      config.withImpersonateGroups(
          settings.path("impersonateGroups").valueStream().map(JsonNode::asString).toArray(String[]::new));
    }
    return config.build();
  }

  private ObjectNode call(String verb, JsonNode call) throws Exception {
    if (verb.equals("raw")) return text(client.raw(call.path("path").asString()));
    if (verb.equals("logs")) return logs(call);
    String namespace = call.path("namespace").asString(null);
    String name = call.path("name").asString("");
    switch (verb) {
      case "serverVersion":
        return object(client.getKubernetesVersion());
      case "serverResources":
        return object(client.getApiResources(call.path("groupVersion").asString()));
      case "evict":
        if (client.pods().inNamespace(namespace).withName(name).evict()) return JSON.createObjectNode();
        throw new IllegalStateException("the client says that nothing was evicted");
      case "createToken":
        TokenRequest request =
            client.getKubernetesSerialization().unmarshal(call.path("object").toString(), TokenRequest.class);
        return object(client.serviceAccounts().inNamespace(namespace).withName(name).tokenRequest(request));
    }
    if (typed) {
      return switch (call.path("resource").asString()) {
        case "v1/configmaps" -> on(client.resources(ConfigMap.class), ConfigMap.class, verb, call);
        case "v1/pods" -> on(client.resources(Pod.class), Pod.class, verb, call);
        case "v1/namespaces" -> on(client.resources(Namespace.class), Namespace.class, verb, call);
        case "v1/nodes" -> on(client.resources(Node.class), Node.class, verb, call);
        case "apps/v1/deployments" -> on(client.resources(Deployment.class), Deployment.class, verb, call);
        default -> throw new IllegalArgumentException("the driver has no type of " + call.path("resource"));
      };
    }
    String[] parts = call.path("resource").asString().split("/");
    if (parts.length != 2 && parts.length != 3)
      throw new IllegalArgumentException(call.path("resource") + " is no resource");
    ResourceDefinitionContext resource = new ResourceDefinitionContext.Builder()
        .withGroup(parts.length == 3 ? parts[0] : "").withVersion(parts[parts.length - 2])
        .withPlural(parts[parts.length - 1]).withNamespaced(true).build();
    return on(client.genericKubernetesResources(resource), GenericKubernetesResource.class, verb, call);
  }

  private <T extends HasMetadata, L extends KubernetesResourceList<T>> ObjectNode on(
      MixedOperation<T, L, Resource<T>> all, Class<T> type, String verb, JsonNode call) throws Exception {
    String namespace = call.path("namespace").asString(null);
    JsonNode options = call.path("options");
    AnyNamespaceOperation<T, L, Resource<T>> many =
        namespace == null ? all.inAnyNamespace() : all.inNamespace(namespace);
    Supplier<Resource<T>> one = () -> {
      String name = call.path("name").asString("");
      return namespace == null ? all.withName(name) : all.inNamespace(namespace).withName(name);
    };
    Supplier<T> body = () -> client.getKubernetesSerialization().unmarshal(call.path("object").toString(), type);
    return switch (verb) {
      case "get" -> object(one.get().require());
      case "list" -> {
        ObjectNode result = JSON.createObjectNode();
        L list = many.list(listOptions(options));
        list.getItems().forEach(item -> result.withArray("items").add(json(item)));
        if (list.getMetadata() != null) result.set("metadata", json(list.getMetadata()));
        yield result;
      }
      case "watch" -> watch(many, options, call.path("events").asInt(0));
      case "create" -> object(writing(many.resource(body.get()), options).create());
      case "update" -> object(writing(many.resource(body.get()), options).update());
      case "updateStatus" -> object(writing(many.resource(body.get()), options).updateStatus());
      case "getScale" -> object(one.get().scale());
      case "updateScale" -> object(one.get().scale(
          client.getKubernetesSerialization().unmarshal(call.path("object").toString(), Scale.class)));
      case "apply", "applyStatus" -> object(applied(many.resource(body.get()), verb, options));
      case "patch" -> {
        if (call.path("patchType").asString("").equals("apply"))
          yield object(applied(many.resource(body.get()), "apply", options));
        String patch = call.has("object") ? call.path("object").toString() : "{}";
        PatchContext how = patchContext(call.path("patchType").asString("merge"), options);
        yield object(call.has("subresource")
            ? one.get().subresource(call.path("subresource").asString()).patch(how, patch)
            : one.get().patch(how, patch));
      }
      case "delete" -> {
        if (options.has("dryRun")) one.get().dryRun().delete();
        else if (options.has("gracePeriodSeconds"))
          one.get().withGracePeriod(options.path("gracePeriodSeconds").asLong()).delete();
        else if (options.has("propagationPolicy"))
          one.get().withPropagationPolicy(
              DeletionPropagation.valueOf(options.path("propagationPolicy").asString().toUpperCase())).delete();
        else one.get().delete();
        yield JSON.createObjectNode();
      }
      default -> {
        if (options.has("labelSelector")) many.withLabelSelector(options.path("labelSelector").asString()).delete();
        else many.delete();
        yield JSON.createObjectNode();
      }
    };
  }

  private static <T> T applied(Resource<T> one, String verb, JsonNode options) {
    if (verb.equals("applyStatus")) {
      PatchContext.Builder how = new PatchContext.Builder().withPatchType(PatchType.SERVER_SIDE_APPLY);
      if (options.has("fieldManager")) how.withFieldManager(options.path("fieldManager").asString());
      if (options.has("force")) how.withForce(options.path("force").asBoolean());
      return one.subresource("status").patch(how.build());
    }
    ServerSideApplicable<T> applying = options.has("dryRun") ? one.dryRun() : one;
    if (options.has("fieldManager")) applying = applying.fieldManager(options.path("fieldManager").asString());
    if (options.path("force").asBoolean(false)) applying = applying.forceConflicts();
    return applying.serverSideApply();
  }

  private static <T> NonDeletingOperation<T> writing(Resource<T> one, JsonNode options) {
    WritableOperation<T> writing = one.dryRun(options.has("dryRun"));
    if (!options.has("fieldValidation")) return writing;
    return writing.fieldValidation(
        FieldValidateable.Validation.valueOf(options.path("fieldValidation").asString().toUpperCase()));
  }

  private static PatchContext patchContext(String type, JsonNode options) {
    PatchContext.Builder context = new PatchContext.Builder().withPatchType(PATCHES.get(type));
    if (options.has("dryRun")) context.withDryRun(List.of("All"));
    if (options.has("fieldManager")) context.withFieldManager(options.path("fieldManager").asString());
    if (options.has("force")) context.withForce(options.path("force").asBoolean());
    if (options.has("fieldValidation")) context.withFieldValidation(options.path("fieldValidation").asString());
    return context.build();
  }

  private ListOptions listOptions(JsonNode options) {
    return client.getKubernetesSerialization().unmarshal(options.isObject() ? options.toString() : "{}",
        ListOptions.class);
  }

  // A watch that has opened is no failure. Only onClose says that one did not, so what it gives as a cause before the
  // first event counts as that; without a cause it says that there is no reconnect, which is the end of any watch.
  private <T extends HasMetadata> ObjectNode watch(AnyNamespaceOperation<T, ?, ?> many, JsonNode options, int most)
      throws InterruptedException {
    ObjectNode result = JSON.createObjectNode();
    CountDownLatch done = new CountDownLatch(1);
    AtomicReference<WatcherException> closed = new AtomicReference<>();
    Watcher<T> watcher = new Watcher<>() {
      @Override
      public void eventReceived(Action action, T object) {
        if (done.getCount() == 0) return;
        result.withArray("events").addObject().put("type", action.name()).set("object", json(object));
        if (result.path("events").size() == most) done.countDown();
      }

      @Override
      public void onClose() {
        done.countDown();
      }

      @Override
      public void onClose(WatcherException cause) {
        closed.set(cause);
        done.countDown();
      }
    };
    try (var open = many.watch(listOptions(options), watcher)) {
      done.await(watchEnd - System.nanoTime(), TimeUnit.NANOSECONDS);
    }
    WatcherException cause = closed.get();
    if (cause != null && cause.getCause() != null && !result.has("events")) throw cause.asClientException();
    return result;
  }

  private ObjectNode logs(JsonNode call) throws IOException {
    JsonNode options = call.path("options");
    PodResource pod =
        client.pods().inNamespace(call.path("namespace").asString()).withName(call.path("name").asString());
    ContainerResource container =
        options.has("container") ? pod.inContainer(options.path("container").asString()) : pod;
    BytesLimitTerminateTimeTailPrettyLoggable stamped =
        options.path("timestamps").asBoolean(false) ? container.usingTimestamps() : container;
    TimeTailPrettyLoggable limited =
        options.has("limitBytes") ? stamped.limitBytes(options.path("limitBytes").asInt())
            : options.path("previous").asBoolean(false) ? stamped.terminated() : stamped;
    TailPrettyLoggable since =
        options.has("sinceSeconds") ? limited.sinceSeconds(options.path("sinceSeconds").asInt()) : limited;
    PrettyLoggable tail = options.has("tailLines") ? since.tailingLines(options.path("tailLines").asInt()) : since;
    boolean follow = options.path("follow").asBoolean(false);
    try (InputStream stream = follow ? tail.watchLog().getOutput() : tail.getLogInputStream()) {
      return text(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  private JsonNode json(Object object) {
    return JSON.readTree(client.getKubernetesSerialization().asJson(object));
  }

  private ObjectNode object(Object object) {
    ObjectNode result = JSON.createObjectNode();
    result.set("object", json(object));
    return result;
  }

  private static ObjectNode text(String text) {
    if (text == null) throw new IllegalStateException("the client returned null");
    return JSON.createObjectNode().put("text", text);
  }

  private static String classOf(Throwable error) {
    String found = "";
    for (Throwable one = error; one != null; one = one.getCause()) {
      String said = String.valueOf(one.getMessage());
      if (one instanceof InterruptedException || one instanceof CancellationException) found = "canceled";
      else if (one instanceof TimeoutException || one.getClass().getSimpleName().contains("Timeout")) found = "timeout";
      else if (one instanceof ConnectException && said.contains("refused")) found = "refused";
      else if (one instanceof JacksonException) found = "decode";
      else if (said.contains("Connection reset")) found = "reset";
      else if (one instanceof EOFException || said.contains("Connection was closed")) found = "eof";
    }
    return found;
  }

  private static ObjectNode failure(Throwable error) {
    ObjectNode result = JSON.createObjectNode().put("ok", false);
    ObjectNode out = result.putObject("error").put("reason", "").put("code", 0).put("class", classOf(error))
        .put("message", String.valueOf(error.getMessage()));
    for (Throwable one = error; one != null; one = one.getCause()) {
      if (!(one instanceof KubernetesClientException answer) || answer.getCode() <= 0) continue;
      out.put("code", answer.getCode()).put("class", "");
      if (answer.getStatus() == null) break;
      if (answer.getStatus().getReason() != null) out.put("reason", answer.getStatus().getReason());
      if (answer.getStatus().getMessage() != null) out.put("message", answer.getStatus().getMessage());
      var details = answer.getStatus().getDetails();
      if (details != null && details.getRetryAfterSeconds() != null)
        out.put("retryAfterSeconds", details.getRetryAfterSeconds());
      break;
    }
    for (Throwable one = error.getCause(); one != null; one = one.getCause()) {
      if (out.path("code").asInt() == 0) out.put("message", out.path("message").asString() + ": " + one.getMessage());
    }
    return result;
  }

  // Of several callers the first failure, or else the first success.
  private ObjectNode play(JsonNode step) throws InterruptedException, ExecutionException {
    int callers = step.path("parallel").asInt(1);
    if (callers < 2) return playAlone(step);
    List<Future<ObjectNode>> calls = new ArrayList<>();
    for (int i = 0; i < callers; i++) calls.add(CALLS.submit(() -> playAlone(step)));
    ObjectNode first = null;
    for (Future<ObjectNode> call : calls) {
      ObjectNode result = call.get();
      if (!result.path("ok").asBoolean()) return result;
      if (first == null) first = result;
    }
    return first;
  }

  // The caller's deadline, and that the caller gives up, are interrupts of the thread that calls.
  private ObjectNode playAlone(JsonNode step) throws InterruptedException {
    String verb = VERBS.stream().filter(step::has).findFirst().orElseThrow();
    String limit = step.path("timeout").asString(step.path("cancelAfter").asString(""));
    boolean before = step.has("cancelAfter") && millis(limit) == 0;
    long patience = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
    long allowed = limit.isEmpty() || before ? patience : millis(limit);
    watchEnd = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(allowed);
    if (verb.equals("watch")) allowed += WATCH_GRACE_MILLIS;
    Future<ObjectNode> call = CALLS.submit(() -> {
      if (before) Thread.currentThread().interrupt();
      return call(verb, step.path(verb));
    });
    try {
      return call.get(allowed, TimeUnit.MILLISECONDS).put("ok", true);
    } catch (ExecutionException error) {
      return failure(error.getCause());
    } catch (TimeoutException late) {
      call.cancel(true);
      if (step.has("timeout")) return failure(new TimeoutException("the caller's deadline has passed"));
      if (step.has("cancelAfter")) return failure(new CancellationException("the caller has given up"));
      return failure(new IOException("the client has not answered within " + PATIENCE_MILLIS / 1000 + "s"));
    }
  }

  private static ObjectNode play(List<JsonNode> steps, JsonNode task)
      throws InterruptedException, ExecutionException {
    ObjectNode answer = JSON.createObjectNode();
    List<ObjectNode> results = new ArrayList<>();
    try (KubernetesClient client = connect(task)) {
      Driver driver = new Driver(client, task.path("config").path("client").asString("").equals("typed"));
      for (JsonNode step : steps) results.add(driver.play(step));
    } catch (RuntimeException error) {
      while (results.size() < steps.size()) results.add(failure(error));
    }
    results.forEach(answer.withArray("results")::add);
    return answer;
  }

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    out.println(JSON.writeValueAsString(Map.of("driver", "fabric8", "version", Version.clientVersion(), "verbs", VERBS,
        "config", CONFIG, "features", FEATURES)));
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode task = JSON.readTree(line);
      out.println(JSON.writeValueAsString(play(task.path("steps").valueStream().toList(), task)));
    }
    System.exit(0);
  }
}
