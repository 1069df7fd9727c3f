#include "conformance/transcript.h"

#include <yaml-cpp/yaml.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <regex>

#include "conformance/recording_matcher.h"
#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/base/thread.h"
#include "k8s/http/gzip_body.h"
#include "k8s/http/url.h"
#include "k8s/machinery/json.h"

namespace k8s::conformance {
namespace {

constexpr std::string_view kComparedHeaders[] = {"Content-Type", "Warning", "Retry-After",
                                                 "Location",     "Allow",   "ETag-Present"};
constexpr Duration kEventWait = std::chrono::seconds(8);
constexpr Duration kSilence = std::chrono::milliseconds(400);

Duration Seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Duration WaitOf(const Value& step) {
  const Value* wait = step.Find("wait");
  return wait && wait->is_number() ? Seconds(wait->number()) : kEventWait;
}

// --- reading ---

Value PlainScalar(const std::string& text) {
  static const std::regex kInteger("-?(0|[1-9][0-9]*)"),
      kDouble(R"([-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?)");
  if (text.empty() || text == "~" || text == "null") return {};
  if (text == "true" || text == "false") return text == "true";
  if (std::regex_match(text, kInteger)) {
    if (const auto integer = ParseInt(text)) return *integer;
    return std::stod(text);
  }
  if (std::regex_match(text, kDouble)) return std::stod(text);
  return text;
}

Value FromYaml(const YAML::Node& node) {
  if (node.IsScalar()) return node.Tag() == "?" ? PlainScalar(node.Scalar()) : node.Scalar();
  if (node.IsSequence()) {
    Value list = Value::MakeArray();
    for (const auto& item : node) list.Append(FromYaml(item));
    return list;
  }
  if (!node.IsMap()) return {};
  Value object = Value::MakeObject();
  for (const auto& member : node) object.Set(member.first.Scalar(), FromYaml(member.second));
  return object;
}

// --- references to what came before ---

struct Answered {
  Value body{};
  http::Headers headers{};
};

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// "2.metadata.name" of the body that step 2 received, "2@ETag" of its headers, "x*100" a long text.
Value Lookup(const std::vector<Answered>& answers, const std::string& reference) {
  if (reference.size() > 2 && reference[1] == '*')
    return std::string(static_cast<size_t>(std::stoul(reference.substr(2))), reference[0]);
  if (const size_t at = reference.find('@'); at != reference.npos)
    return answers.at(std::stoul(reference)).headers.Get(reference.substr(at + 1));
  const auto parts = Split(reference, '.');
  const Value* value = &answers.at(std::stoul(std::string(parts[0]))).body;
  for (size_t i = 1; i < parts.size(); ++i) {
    const auto index = value->is_array() ? ParseInt(parts[i]) : std::nullopt;
    value = index ? &value->array().at(static_cast<size_t>(*index))
                  : value->Find(Replaced(std::string(parts[i]), "~1", "."));
    if (!value) throw std::out_of_range(Cat("nothing to refer to at ", reference));
  }
  return *value;
}

Value Resolve(const Value& value, const std::vector<Answered>& answers) {
  if (value.is_array()) {
    Value list = Value::MakeArray();
    for (const Value& item : value.array()) list.Append(Resolve(item, answers));
    return list;
  }
  if (value.is_object()) {
    Value object = Value::MakeObject();
    for (const auto& [name, member] : value.object()) object.Set(name, Resolve(member, answers));
    return object;
  }
  if (!value.is_string()) return value;
  std::string text;
  size_t last = 0;
  const std::string& from = value.string();
  for (size_t at = from.find("${"); at != from.npos; at = from.find("${", last)) {
    const size_t end = from.find('}', at);
    Value found = Lookup(answers, from.substr(at + 2, end - at - 2));
    if (at == 0 && end + 1 == from.size()) return found;
    text += Cat(from.substr(last, at - last), found.is_string() ? found.string() : ToJson(found));
    last = end + 1;
  }
  return text + from.substr(last);
}

// As the recordings were sent, blanks included: answers may quote what came.
void AppendSpaced(const Value& value, std::string& out) {
  const char* before = "";
  if (value.is_array()) {
    out += '[';
    for (const Value& item : value.array()) {
      out += std::exchange(before, ", ");
      AppendSpaced(item, out);
    }
    out += ']';
  } else if (value.is_object()) {
    out += '{';
    for (const auto& [name, member] : value.object()) {
      out += std::exchange(before, ", ");
      AppendJsonString(name, out);
      out += ": ";
      AppendSpaced(member, out);
    }
    out += '}';
  } else {
    AppendJson(value, out);
  }
}

// --- streams ---

// Of a frame of a protobuf watch the type, and whether its object stands in the envelope.
Value ReadFrame(std::string_view frame) {
  Value event = Value::MakeObject();
  size_t at = 0;
  while (at < frame.size()) {
    const int field = static_cast<unsigned char>(frame[at++]) >> 3;
    size_t size = 0;
    for (int shift = 0; at < frame.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(frame[at++]);
      size |= static_cast<size_t>(byte & 127) << shift;
      if (byte < 128) break;
    }
    const std::string_view value = frame.substr(at, size);
    at += size;
    if (field == 1) {
      event.Set("type", value);
    } else {
      event.Set("enveloped", value.substr(0, 12).find(std::string_view("k8s\0", 4)) != value.npos);
    }
  }
  return event;
}

// A watch that stays open: a thread reads its events, the story takes them.
class Stream {
 public:
  Stream(std::shared_ptr<Clock> clock, std::stop_source stop, http::Response response,
         bool bookmarks)
      : clock_(std::move(clock)), stop_(std::move(stop)), bookmarks_(bookmarks) {
    const bool frames = response.headers.Get("Content-Type").find("protobuf") != std::string::npos;
    thread_ = Thread(clock_, "transcript",
                     [this, frames, body = std::shared_ptr<http::Body>(std::move(response.body))](
                         std::stop_token) { Run(*body, frames); });
  }
  ~Stream() { Close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void Close() { stop_.request_stop(); }

  Value Take(size_t count, Duration wait) {
    std::unique_lock lock(mutex_);
    clock_->Wait(lock, changed_, clock_->Now() + (count == 0 ? kSilence : wait), {},
                 [&] { return count > 0 && (events_.size() >= count || done_); });
    Value taken = Value::MakeArray();
    while (!events_.empty() && (count == 0 || taken.array().size() < count)) {
      taken.Append(std::move(events_.front()));
      events_.pop_front();
    }
    return taken;
  }

  Value Ended(Duration wait) {
    std::unique_lock lock(mutex_);
    clock_->Wait(lock, changed_, clock_->Now() + wait, {}, [&] { return done_; });
    return Value::MakeObject({{"ended", done_},
                              {"clean", clean_},
                              {"events_left", static_cast<int64_t>(events_.size())}});
  }

 private:
  // Cuts one event off the front of what came; none when it is not whole yet.
  static std::optional<Value> Cut(std::string& bytes, bool frames) {
    if (frames) {
      if (bytes.size() < 4) return std::nullopt;
      size_t size = 0;
      for (size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(bytes[i]);
      if (bytes.size() < size + 4) return std::nullopt;
      Value event = ReadFrame(std::string_view(bytes).substr(4, size));
      bytes.erase(0, size + 4);
      return event;
    }
    const size_t end = bytes.find('\n');
    if (end == bytes.npos) return std::nullopt;
    auto event = ParseJson(std::string_view(bytes).substr(0, end));
    bytes.erase(0, end + 1);
    return event ? *std::move(event) : Value("no JSON: " + event.error().message());
  }

  void Run(http::Body& body, bool frames) {
    std::string bytes;
    while (true) {
      const auto more = body.Read(bytes);
      std::lock_guard lock(mutex_);
      while (auto event = Cut(bytes, frames)) {
        // A plain bookmark may come at any time, or never.
        const bool plain = event->StringAt({"type"}) == "BOOKMARK" &&
                           ToJson(*event).find("initial-events-end") == std::string::npos;
        if (bookmarks_ || !plain) events_.push_back(*std::move(event));
      }
      clean_ = more && *more == 0;
      done_ = !more || *more == 0;
      changed_.notify_all();
      if (done_) return;
    }
  }

  const std::shared_ptr<Clock> clock_;
  std::stop_source stop_;
  const bool bookmarks_;
  std::mutex mutex_;  // guards all below but the thread
  std::condition_variable_any changed_;
  std::deque<Value> events_;
  bool done_ = false;
  bool clean_ = false;
  Thread thread_;  // the last member: it uses the others
};

// --- playing ---

class Player {
 public:
  Player(const Value& story, const Way& way)
      : story_(story), way_(way), ns_(story.StringAt({"namespace"})) {}

  std::vector<std::string> Play() {
    MakeNamespace();
    const auto& steps = story_.Find("steps")->array();
    for (size_t i = 0; i < steps.size(); ++i) {
      answers_.emplace_back();
      const std::string first(steps[i].object().begin()->first);
      const Value* request = steps[i].Find("do");
      where_ = Cat("step ", std::to_string(i), " ",
                   request ? request->string() : Cat(first, " ", ToJson(*steps[i].Find(first))));
      try {
        PlayStep(steps[i]);
      } catch (const std::exception& failure) {
        matcher_.Complain(Cat(where_, ": ", failure.what()));
        break;
      }
    }
    streams_.clear();
    return matcher_.Finish();
  }

 private:
  void MakeNamespace() {
    const Value ns = Value::MakeObject({{"apiVersion", "v1"},
                                        {"kind", "Namespace"},
                                        {"metadata", Value::MakeObject({{"name", ns_}})}});
    static_cast<void>(
        Send("POST", "/api/v1/namespaces", {{"Content-Type", "application/json"}}, ToJson(ns), {}));
  }

  Result<http::Response> Send(std::string method, std::string_view target, http::Headers headers,
                              std::optional<std::string> body, const Context& ctx) {
    http::Request request;
    request.method = std::move(method);
    auto url = http::Url::Parse(way_.host);
    if (!url) return url.error();
    request.url = *std::move(url);
    const size_t question = target.find('?');
    request.url.path = target.substr(0, question);
    if (question != target.npos) request.url.query = target.substr(question + 1);
    request.headers = std::move(headers);
    if (body) request.body = std::make_shared<const std::string>(*std::move(body));
    return way_.transport->RoundTrip(request, ctx);
  }

  void PlayStep(const Value& step) {
    const auto named = [&](std::string_view name) -> Stream& {
      return *streams_.at(std::string(step.StringAt({name})));
    };
    if (const Value* sleep = step.Find("sleep")) {
      static_cast<void>(Sleep(*way_.clock, Seconds(sleep->number()), {}));
    } else if (step.Find("events")) {
      Value events =
          named("events").Take(static_cast<size_t>(step.IntAt({"count"}, 1)), WaitOf(step));
      answers_.back().body = events;
      matcher_.Match(*step.Find("got"), events, where_ + " body", true);
    } else if (step.Find("close")) {
      named("close").Close();
    } else if (step.Find("ended")) {
      matcher_.Match(*step.Find("got"), named("ended").Ended(WaitOf(step)), where_ + " body", true);
    } else {
      PlayRequest(step);
    }
  }

  http::Headers HeadersOf(const Value& step, bool has_body) const {
    http::Headers headers{{"Accept", std::string(step.StringAt({"accept"}, "application/json"))},
                          {"Accept-Encoding", "identity"}};
    if (has_body)
      headers.Set("Content-Type", std::string(step.StringAt({"type"}, "application/json")));
    const Value* with = step.Find("with");
    if (!with) return headers;
    const Value resolved = Resolve(*with, answers_);
    for (const auto& [name, value] : resolved.object()) {
      headers.Remove(name);
      const auto add = [&, &name = name](const Value& one) {
        headers.Add(name, Replaced(one.is_string() ? one.string() : ToJson(one), "{ns}", ns_));
      };
      if (value.is_array()) {
        for (const Value& one : value.array()) add(one);
      } else if (!value.is_null()) {
        add(value);
      }
    }
    return headers;
  }

  std::optional<std::string> BodyOf(const Value& step) const {
    if (const Value* raw = step.Find("raw"))
      return Replaced(Resolve(*raw, answers_).string(), "{ns}", ns_);
    if (const Value* bytes = step.Find({"send", "base64"})) return DecodeBase64(bytes->string());
    if (const Value* body = step.Find("body")) {
      std::string text;
      AppendSpaced(Resolve(*body, answers_), text);
      return Replaced(std::move(text), "{ns}", ns_);
    }
    return std::nullopt;
  }

  void PlayRequest(const Value& step) {
    const std::string line = Replaced(Resolve(*step.Find("do"), answers_).string(), "{ns}", ns_);
    const size_t blank = line.find(' ');
    auto body = BodyOf(step);
    auto headers = HeadersOf(step, body.has_value());
    std::stop_source stop;
    auto response = Send(line.substr(0, blank), line.substr(blank + 1), std::move(headers),
                         std::move(body), Context(stop.get_token()));
    if (!response) throw BadResult(response.error());
    answers_.back().headers = response->headers;
    const int status = response->status;
    const Value seen_headers = ComparedHeaders(step, response->headers);
    Value text, document;
    std::string bytes;
    const bool opens = step.Find("open") && status == 200;
    if (opens) {
      streams_[std::string(step.StringAt({"open"}))] = std::make_unique<Stream>(
          way_.clock, stop, *std::move(response), step.BoolAt({"bookmarks"}));
    } else {
      Read(step, *std::move(response), document, text, bytes);
      answers_.back().body = document;
    }
    Compare(step, status, seen_headers, document, text, bytes, opens || step.Find("unread"));
  }

  static Value ComparedHeaders(const Value& step, const http::Headers& headers) {
    std::vector<std::string> names(std::begin(kComparedHeaders), std::end(kComparedHeaders));
    if (const Value* keep = step.Find("keep")) {
      for (const Value& name : keep->array()) names.push_back(name.string());
    }
    Value seen = Value::MakeObject();
    for (const std::string& name : names) {
      const auto values = headers.Values(name);
      if (values.size() == 1) seen.Set(name, values[0]);
      if (values.size() < 2) continue;
      Value list = Value::MakeArray();
      for (std::string_view value : values) list.Append(value);
      seen.Set(name, std::move(list));
    }
    return seen;
  }

  // The answer as a document, a text, or else as bytes.
  static void Read(const Value& step, http::Response response, Value& document, Value& text,
                   std::string& bytes) {
    if (response.headers.Get("Content-Encoding") == "gzip")
      response.body = http::InflateBody(std::move(response.body));
    std::string data = response.body->ReadAll().value();
    const std::string type(response.headers.Get("Content-Type"));
    const std::string kind = type.substr(0, type.find(';'));
    if (step.Find("unread")) return;
    if (step.Find("verbatim") || kind.starts_with("text/") || data.empty()) {
      text = std::move(data);
    } else if (kind == "application/yaml") {
      document = ReadStory(data).value();
    } else if (kind.ends_with("json")) {
      auto parsed = ParseJson(data);
      if (parsed) {
        document = *std::move(parsed);
      } else {
        text = std::move(data);
      }
    } else {
      bytes = std::move(data);
    }
  }

  void Compare(const Value& step, int status, const Value& headers, const Value& document,
               const Value& text, const std::string& bytes, bool unread) {
    if (step.IntAt({"status"}, status) != status) {
      const Value* message = document.Find("message");
      matcher_.Complain(Cat(where_, ": want status ", std::to_string(step.IntAt({"status"})),
                            ", got ", std::to_string(status), " ",
                            Show(message ? *message : text)));
    }
    const std::string& line = step.Find("do")->string();
    const bool fresh = line.find("continue=") == line.npos && line.find("Exact") == line.npos;
    const Value* wanted = step.Find("got_headers");
    matcher_.Match(wanted ? *wanted : Value::MakeObject(), headers, where_ + " headers", fresh);
    if (unread) return;
    const Value& seen = document.is_null() ? text : document;
    if (const Value* got = step.Find("got")) {
      matcher_.Match(*got, seen, where_ + " body", fresh);
    } else if (const Value* got_text = step.Find("got_text")) {
      matcher_.Match(*got_text, text, where_ + " text", fresh);
    } else if (const auto start = step.StringAt({"got_base64"}).substr(0, 5);
               !start.empty() && document.is_null() &&
               std::string_view(EncodeBase64(bytes)).substr(0, 5) != start) {
      matcher_.Complain(Cat(where_, ": want a binary body, got ", Show(seen)));
    }
  }

  const Value& story_;
  const Way& way_;
  const std::string ns_;
  std::string where_;
  std::vector<Answered> answers_;
  std::map<std::string, std::unique_ptr<Stream>> streams_;
  RecordingMatcher matcher_;
};

}  // namespace

Result<Value> ReadStory(std::string_view yaml) {
  try {
    return FromYaml(YAML::Load(std::string(yaml)));
  } catch (const YAML::Exception& failure) {
    return Invalid(failure.what());
  }
}

bool Sleeps(const Value& story) {
  for (const Value& step : story.Find("steps")->array()) {
    if (step.Find("sleep")) return true;
  }
  return false;
}

bool LooksAtFraming(const Value& story) {
  for (const Value& step : story.Find("steps")->array()) {
    if (step.Find({"got_headers", "Transfer-Encoding"})) return true;
  }
  return false;
}

std::vector<std::string> Differences(const Value& story, const Way& way) {
  return Player(story, way).Play();
}

}  // namespace k8s::conformance
