#include "fakeapiserver/server.h"

#include <algorithm>
#include <atomic>

#include "fakeapiserver/bootstrap.h"
#include "fakeapiserver/control.h"
#include "fakeapiserver/fault_objects.h"
#include "fakeapiserver/fault_replies.h"
#include "fakeapiserver/loopback.h"
#include "fakeapiserver/router.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"
#include "k8s/machinery/yaml.h"

namespace k8s::fakeapiserver {
namespace {

// The number of the document in which a parse error lies; its text begins with "line N:".
size_t DocumentAt(std::string_view text, std::string_view message) {
  const auto line = ParseInt(message.substr(5, message.find(':') - 5)).value_or(1);
  size_t document = 1;
  int64_t number = 0;
  for (std::string_view one : Split(text, '\n')) {
    if (++number >= line) break;
    if (number > 1 && one.starts_with("---")) ++document;
  }
  return document;
}

// The events of a watch on their way out, with the recorder listening.
class RecordedSource final : public Source {
 public:
  RecordedSource(std::unique_ptr<Source> inner, Recorder& recorder, uint64_t number)
      : inner_(std::move(inner)), recorder_(recorder), number_(number) {}
  ~RecordedSource() override {
    if (!ended_) recorder_.Ended(number_, true);
  }

  Outcome Next(Slices& out) override {
    const Outcome outcome = inner_->Next(out);
    if (const int64_t revision = inner_->revision(); revision != revision_) {
      recorder_.Sent(number_, revision_ = revision);
    }
    if (outcome != Outcome::kData && outcome != Outcome::kPending && !ended_) {
      ended_ = true;
      recorder_.Ended(number_, false);
    }
    return outcome;
  }
  void SetWake(std::function<void()> wake) override { inner_->SetWake(std::move(wake)); }
  void SplitEvents() override { inner_->SplitEvents(); }
  int64_t revision() const override { return revision_; }
  TimePoint WakeAt() const override { return inner_->WakeAt(); }

 private:
  const std::unique_ptr<Source> inner_;
  Recorder& recorder_;
  const uint64_t number_;
  int64_t revision_ = 0;
  bool ended_ = false;
};

}  // namespace

// What comes in passes the faults on its way to the router.
class Server::FrontDoor final : public Door {
 public:
  FrontDoor(Core& core, Controllers* controllers, bool bootstrap)
      : core_(core), controllers_(controllers), bootstrap_(bootstrap), objects_(core) {}

  Admission Admit() override {
    Admission admission;
    admission.connection = ++connections_;
    objects_.Follow();
    const Faults::Strike strike = core_.faults.OnAdmission(admission.connection);
    if (!strike) return admission;
    objects_.Struck(strike.rule);
    admission.refused = strike.effect->refuse;
    admission.certificate = strike.effect->certificate;
    if (strike.effect->cut || admission.refused) {
      admission.answer =
          std::make_unique<Answer>(EndAtOnce(strike.effect->cut.value_or(Cut{}), core_.env.clock));
    }
    return admission;
  }

  Refusal Refuses() override {
    objects_.Follow();
    return core_.faults.Refuses();
  }

  std::unique_ptr<Answer> OnHead(const http::MessageHead& head, uint64_t connection) override {
    if (core_.faults.empty()) return nullptr;
    const http::Request request = RequestOf(head);
    const RequestInfo info = ParseRequest(request);
    const Faults::Strike strike = core_.faults.OnHead(request, info, connection);
    if (!strike) return nullptr;
    objects_.Struck(strike.rule);
    const uint64_t number = core_.recorder.Open(request, info, connection);
    core_.recorder.Struck(number, strike.rule);
    core_.recorder.Close(number, 0);
    return std::make_unique<Answer>(EndAtOnce(*strike.effect->cut, core_.env.clock));
  }

  Answer Serve(const http::Request& request, uint64_t connection) override {
    if (auto answer = ServeControl(core_, request, bootstrap_)) {
      if (controllers_) controllers_->Settle();
      return *std::move(answer);
    }
    objects_.Follow();
    const RequestInfo info = ParseRequest(request);
    const uint64_t number = core_.recorder.Open(request, info, connection);
    const Faults::Strike strike = core_.faults.OnRequest(request, info, connection);
    if (!strike) {
      Answer answer = Record(number, info, Handle(request, info));
      objects_.Follow();
      return answer;
    }
    core_.recorder.Struck(number, strike.rule);
    objects_.Struck(strike.rule);
    return Suffer(request, info, number, strike.effect);
  }

  const std::shared_ptr<std::atomic<size_t>>& sessions() const override { return sessions_; }

 private:
  Answer Handle(const http::Request& request, const RequestInfo& info, int64_t stale = 0) {
    Answer answer = Router(core_, stale).Serve(request, info);
    const bool reads = info.verb == "get" || info.verb == "list" || info.verb == "watch";
    if (controllers_ && !reads) controllers_->Settle();
    return answer;
  }

  // What the wire and the recorder get to see when a fault strikes.
  Answer Suffer(const http::Request& request, const RequestInfo& info, uint64_t number,
                const std::shared_ptr<const Effect>& effect) {
    const bool makes_answer = effect->reply || effect->cut;
    const bool before = effect->point == Effect::Point::kBefore;
    const bool head_only = request.method == "HEAD";
    // Without an answer of the fault's own the handlers must make one.
    const auto answer = [=, this, kept = http::Request(request)] {
      Answer made;
      if (!before || !makes_answer) {
        made = Then(Handle(kept, info, effect->stale), [=, this](Answer one) {
          core_.recorder.Handled(number, one.status);
          return one;
        });
      }
      const bool drops = makes_answer && effect->point != Effect::Point::kAnswered;
      if (drops) made = effect->reply ? Replied(kept, info, *effect->reply) : Answer{.status = 0};
      return Then(std::move(made), [=, this](Answer one) {
        return Listened(number, info.verb == "watch",
                        Spoil(number, std::move(one), *effect, head_only));
      });
    };
    if (effect->delay == Duration::zero()) return answer();
    const TimePoint due = core_.env.clock->Now() + effect->delay;
    if (before) return Answer{.decide = answer, .decide_at = due};
    // The store has done its part when the delay begins.
    auto made = std::make_shared<Answer>(answer());
    return Answer{.decide = [made] { return std::move(*made); }, .decide_at = due};
  }

  Answer Replied(const http::Request& request, const RequestInfo& info, const Reply& reply) {
    Answer answer;
    if (reply.body) {
      answer.status = reply.status;
      answer.body = {Slice::Of(*reply.body)};
    } else {
      answer = Router(core_).Fail(request, info, Error::Api(StatusOf(reply)));
      answer.status = reply.status;
    }
    for (const auto& [name, value] : reply.headers) answer.headers.Set(name, value);
    return answer;
  }

  // What happens to an answer that is otherwise made.
  Answer Spoil(uint64_t number, Answer answer, const Effect& effect, bool head_only) {
    if (effect.cut) {
      core_.recorder.Close(number, answer.status);
      return EndAtOnce(*effect.cut, core_.env.clock);
    }
    for (const auto& [name, value] : effect.headers) answer.headers.Set(name, value);
    core_.recorder.Close(number, answer.status, answer.headers.Get("Retry-After"));
    if (effect.content_type) answer.headers.Set("Content-Type", *effect.content_type);
    for (const std::string& text : effect.warnings)
      answer.headers.Add("Warning", Cat("299 - ", Quote(text)));
    if (effect.body) {
      answer.body = {Slice::Of(*effect.body)};
      answer.source.reset();
    }
    if (effect.wire.empty()) return answer;
    Mistreatment how = effect.wire;
    if (effect.expire_watch) {
      how.last_frame = ErrorFrame(answer.headers, Expired("The resourceVersion for the provided "
                                                          "watch is too old."));
    }
    return Mistreat(std::move(answer), how, head_only, core_.env.clock);
  }

  // Goes on with the answer once it is decided.
  static Answer Then(Answer answer, std::function<Answer(Answer)> next) {
    if (!answer.decide) return next(std::move(answer));
    answer.decide = [decide = std::move(answer.decide), next = std::move(next)] {
      return Then(decide(), next);
    };
    return answer;
  }

  Answer Record(uint64_t number, const RequestInfo& info, Answer answer) {
    // The recorder hears of the answer when there is one.
    const auto close = [this, number, watches = info.verb == "watch"](Answer one) {
      core_.recorder.Handled(number, one.status);
      core_.recorder.Close(number, one.status, one.headers.Get("Retry-After"));
      return Listened(number, watches, std::move(one));
    };
    return answer.decide ? Then(std::move(answer), close) : close(std::move(answer));
  }

  Answer Listened(uint64_t number, bool watches, Answer answer) {
    if (answer.source && watches) {
      answer.source =
          std::make_unique<RecordedSource>(std::move(answer.source), core_.recorder, number);
    }
    return answer;
  }

  Core& core_;
  Controllers* const controllers_;  // null without any
  const bool bootstrap_;
  FaultObjects objects_;
  std::atomic<uint64_t> connections_ = 0;
  const std::shared_ptr<std::atomic<size_t>> sessions_ = std::make_shared<std::atomic<size_t>>(0);
};

Server::Server(Options options)
    : core_(std::make_unique<Core>(std::move(options.env), options.limits, options.fault_objects)),
      controllers_(options.controllers.any()
                       ? std::make_unique<Controllers>(*core_, options.controllers,
                                                       [this] { return certificate_chain(); })
                       : nullptr),
      door_(std::make_unique<FrontDoor>(*core_, controllers_.get(), options.bootstrap)) {
  core_->strict = options.strict;
  core_->SetFlowUids({NewUuid(*core_->env.random), NewUuid(*core_->env.random)});
  if (options.bootstrap) Bootstrap(*core_);
  if (controllers_) controllers_->Settle();
  core_->faults.SetOnChange([this] {
    std::lock_guard lock(listener_mutex_);
    if (listener_) listener_->OnRefusal();
  });
}

Server::~Server() {
  core_->faults.SetOnChange({});
  std::lock_guard lock(listener_mutex_);
  listener_.reset();
}

Answer Server::Serve(const http::Request& request, uint64_t connection) {
  return door_->Serve(request, connection);
}

std::shared_ptr<http::RoundTripper> Server::Loopback() {
  // Values where nothing can happen to bytes.
  class Either final : public http::RoundTripper {
   public:
    Either(const Env& env, Core& core, Door& door)
        : core_(core), plain_(MakeLoopback(env, door)), wire_(MakeWireLoopback(env, door)) {}
    Result<http::Response> RoundTrip(const http::Request& request, const Context& ctx) override {
      return (core_.faults.empty() ? plain_ : wire_)->RoundTrip(request, ctx);
    }
    void CloseIdleConnections() override { wire_->CloseIdleConnections(); }

   private:
    Core& core_;
    std::shared_ptr<http::RoundTripper> plain_, wire_;
  };
  return std::make_shared<Either>(core_->env, *core_, *door_);
}

std::shared_ptr<http::RoundTripper> Server::WireLoopback() {
  return MakeWireLoopback(core_->env, *door_);
}

Result<std::string> Server::Listen(ListenerOptions options) {
  const bool tls = !options.certificate_file.empty() || options.self_made_certificate;
  const std::string scheme = tls ? "https://" : "http://";
  const std::string host =
      options.bind.find(':') == std::string::npos ? options.bind : Cat("[", options.bind, "]");
  options.session.max_body = kMaxRequestBody;
  auto listener = Listener::Start(std::move(options), core_->env, *door_);
  if (!listener) return listener.error();
  std::lock_guard lock(listener_mutex_);
  listener_ = *std::move(listener);
  return Cat(scheme, host, ":", std::to_string(listener_->port()));
}

int Server::port() const {
  std::lock_guard lock(listener_mutex_);
  return listener_ ? listener_->port() : 0;
}

std::string Server::certificate_chain() const {
  std::lock_guard lock(listener_mutex_);
  return listener_ ? listener_->certificate_chain() : "";
}

size_t Server::connections() const {
  std::lock_guard lock(listener_mutex_);
  return listener_ ? listener_->connections() : 0;
}

size_t Server::sessions() const { return *door_->sessions(); }

Result<std::vector<Server::Document>> Server::ReadManifest(std::string_view place,
                                                           std::string_view text) const {
  auto parsed = ParseYaml(text);
  if (!parsed) {
    return parsed.error().Within(
        Cat(place, ": document ", std::to_string(DocumentAt(text, parsed.error().message()))));
  }
  std::vector<Document> documents;
  for (size_t i = 0; i < parsed->size(); ++i) {
    YamlDocument& one = (*parsed)[i];
    if (one.value.is_null()) continue;
    const std::string where =
        Cat(place, ": document ", std::to_string(i + 1), " (line ", std::to_string(one.line), ")");
    if (!one.value.is_object()) return DecodeError(Cat(where, ": not an object"));
    Value* items = one.value.Find("items");
    if (one.value.StringAt({"kind"}).ends_with("List") && items && items->is_array()) {
      for (Value& item : items->array()) documents.push_back({std::move(item), where});
    } else {
      documents.push_back({std::move(one.value), where});
    }
  }
  return documents;
}

Result<void> Server::CheckServed(const std::vector<Document>& documents) const {
  for (const Document& document : documents) {
    const std::string kind(document.tree.StringAt({"kind"})),
        api_version(document.tree.StringAt({"apiVersion"}));
    if (kind.empty() || api_version.empty())
      return DecodeError(Cat(document.place, ": kind and apiVersion must be set"));
    if (!core_->registry.FindKind(api_version, kind)) {
      return DecodeError(Cat(document.place, ": kind ", Quote(kind), " in version ",
                             Quote(api_version), " is not served"));
    }
  }
  return {};
}

Result<void> Server::CreateOne(Document document, const Served& served) {
  http::Request request;
  request.method = "POST";
  request.headers.Set("User-Agent", "fakeapiserver");
  Call call{request};
  call.served = &served;
  call.info.verb = "create";
  call.info.resource = served.resource;
  if (served.namespaced) {
    call.info.ns = std::string(document.tree.StringAt({"metadata", "namespace"}, "default"));
  }
  const Value* given_status = document.tree.Find("status");
  const bool has_status =
      given_status && given_status->is_object() && !given_status->object().empty();
  auto decoded = DecodeTree(call, std::move(document.tree), *served.type, {});
  if (!decoded) return decoded.error().Within(document.place);
  const Value decoded_status = decoded->Find("status") ? *decoded->Find("status") : Value();
  auto created = CreateTree(*core_, call, *std::move(decoded));
  if (!created) return created.error().Within(document.place);
  if (!has_status) return {};
  // A manifest may say what the status is; a client would write it in a second step.
  call.info.verb = "update";
  call.info.subresource = "status";
  call.info.name = (*created)->key.name;
  auto updated = UpdateTree(*core_, call, *created, [&](const Value& live) -> Result<Value> {
    Value now = live;
    now.Set("status", decoded_status);
    return now;
  });
  if (!updated) return updated.error().Within(document.place);
  return {};
}

Result<void> Server::CreateAll(std::vector<Document> documents) {
  if (auto served = CheckServed(documents); !served) return served;
  auto created = CreateInOrder(std::move(documents));
  if (created && controllers_) controllers_->Settle();
  return created;
}

Result<void> Server::CreateInOrder(std::vector<Document> documents) {
  const auto lock = core_->store.LockWrites();
  // Namespaces first, so that a folder may come in any order.
  std::stable_partition(documents.begin(), documents.end(), [](const Document& one) {
    return one.tree.StringAt({"kind"}) == "Namespace";
  });
  std::vector<Key> created;
  for (Document& document : documents) {
    const Value& tree = document.tree;
    const Served& served =
        *core_->registry.FindKind(tree.StringAt({"apiVersion"}), tree.StringAt({"kind"}));
    Key key{
        served.StoreName(),
        served.namespaced ? std::string(tree.StringAt({"metadata", "namespace"}, "default")) : "",
        std::string(tree.StringAt({"metadata", "name"}))};
    const Revision before = core_->store.revision();
    if (auto done = CreateOne(std::move(document), served); !done) {
      for (const Key& earlier : created) core_->store.Remove(earlier);
      return done;
    }
    if (core_->store.revision() != before) created.push_back(std::move(key));
  }
  return {};
}

Result<void> Server::LoadManifest(std::string_view place, std::string_view text) {
  auto documents = ReadManifest(place, text);
  if (!documents) return documents.error();
  return CreateAll(*std::move(documents));
}

Result<void> Server::LoadPath(const std::string& path) {
  const Host& host = *core_->env.host;
  std::vector<std::string> files;
  if (host.IsDirectory(path)) {
    auto names = host.ListDirectory(path);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"))
        files.push_back(path + "/" + name);
    }
  } else {
    files.push_back(path);
  }
  std::vector<Document> all;
  for (const std::string& file : files) {
    auto text = host.ReadFile(file);
    if (!text) return text.error();
    auto documents = ReadManifest(file, *text);
    if (!documents) return documents.error();
    std::move(documents->begin(), documents->end(), std::back_inserter(all));
  }
  return CreateAll(std::move(all));
}

Result<void> Server::Seed(const Value& object) { return CreateAll({{object, "seed"}}); }

}  // namespace k8s::fakeapiserver
