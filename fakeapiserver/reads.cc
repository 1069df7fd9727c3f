// get and list, and the query that list and watch share (chapters 3.6 and 5 of the specification).

#include <algorithm>
#include <array>

#include "fakeapiserver/core.h"
#include "fakeapiserver/go_text.h"
#include "fakeapiserver/strategy.h"
#include "k8s/base/base64.h"
#include "k8s/base/strings.h"
#include "k8s/machinery/json.h"

namespace k8s::fakeapiserver {
namespace {

// How long a read waits for a revision that has not come yet (chapter 5.2).
constexpr Duration kFutureRevisionWait = std::chrono::seconds(3);

struct Token {
  Revision revision = 0;  // -1: the newest
  std::string start{};    // relative key after which the page begins
};

std::string EncodeToken(Revision revision, const std::string& start) {
  Value token = Value::MakeObject(
      {{"v", "meta.k8s.io/v1"}, {"rv", revision}, {"start", start + std::string(1, '\0')}});
  std::string text = EncodeBase64(ToJson(token));
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (text.ends_with('=')) text.pop_back();
  return text;
}

Result<Token> DecodeToken(std::string_view text) {
  const auto bad = [](std::string_view why) {
    return BadRequest(Cat("invalid continue token: continue key is not valid: ", why));
  };
  std::string padded(text);
  for (size_t i = 0; i < padded.size(); ++i) {
    char& c = padded[i];
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    if (!good) return bad("illegal base64 data at input byte " + std::to_string(i));
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  }
  if (padded.size() % 4 == 1)
    return bad("illegal base64 data at input byte " + std::to_string(padded.size() - 1));
  while (padded.size() % 4) padded += '=';
  const auto bytes = DecodeBase64(padded);
  if (!bytes) return bad("illegal base64 data at input byte 0");
  if (const auto complaint = GoJsonError(*bytes)) return bad(*complaint);
  const auto token = ParseJson(*bytes);
  if (!token) return bad("unexpected end of JSON input");
  const std::string_view version = token->StringAt({"v"});
  if (version != "meta.k8s.io/v1")
    return bad(Cat("server does not recognize this encoded version ", version));
  const Revision revision = token->IntAt({"rv"});
  if (revision == 0) return bad("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  std::string start(token->StringAt({"start"}));
  if (start.empty())
    return bad("continue key is not valid: encoded start key empty (version meta.k8s.io/v1)");
  if (("/" + start).find("/../") != std::string::npos) return bad(start);
  if (start.back() == '\0') start.pop_back();
  return Token{revision, std::move(start)};
}

Result<fields::Selector> CheckFieldSelector(fields::Selector selector, const Served& served) {
  for (const fields::Term& term : selector.terms()) {
    if (auto good = CheckFieldLabel(served, term.field); !good)
      return BadRequest(good.error().message());
  }
  return selector;
}

constexpr char kMatchPath[] = "resourceVersionMatch";

// What a list's resourceVersionMatch does not go with.
FieldErrors CheckMatch(const ListQuery& query, const std::string& version) {
  FieldErrors errors;
  if (query.match.empty()) return errors;
  if (version.empty()) {
    errors.push_back(ForbiddenField(
        kMatchPath, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
  }
  if (!query.token.empty()) {
    errors.push_back(
        ForbiddenField(kMatchPath, "resourceVersionMatch is forbidden when continue is provided"));
  }
  if (query.match != "Exact" && query.match != "NotOlderThan") {
    errors.push_back(Unsupported(kMatchPath, query.match, {"Exact", "NotOlderThan", ""}));
  } else if (query.match == "Exact" && version == "0") {
    errors.push_back(ForbiddenField(
        kMatchPath, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
  }
  return errors;
}

// Which combinations of parameters mean something (chapters 5.2 and 6.3).
FieldErrors CheckCombination(const ListQuery& query, bool watch, const std::string& version) {
  if (!watch) {
    FieldErrors errors = CheckMatch(query, version);
    if (query.has_send_initial_events)
      errors.push_back(
          ForbiddenField("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    return errors;
  }
  FieldErrors errors;
  if (!query.has_send_initial_events) {
    if (!query.match.empty())
      errors.push_back(ForbiddenField(
          kMatchPath,
          "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
    return errors;
  }
  if (query.match != "NotOlderThan") {
    errors.push_back(ForbiddenField(
        kMatchPath, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
    if (!query.match.empty())
      errors.push_back(Unsupported(kMatchPath, query.match, {"NotOlderThan"}));
  }
  if (!query.token.empty())
    errors.push_back(
        ForbiddenField(kMatchPath, "resourceVersionMatch is forbidden when continue is provided"));
  return errors;
}

// Asked again when the time is up: then the revision is there or it is an error.
Answer Future(Core& core, const Call& call, Revision wanted,
              std::function<Result<Answer>(const Call&)> again) {
  Answer answer;
  answer.decide_at = core.env.clock->Now() + kFutureRevisionWait;
  const auto kept = Keep(call);
  answer.decide = [&core, wanted, kept, again = std::move(again)]() -> Answer {
    const Revision current = core.store.revision();
    if (current < wanted)
      return RenderError(ResourceVersionTooLarge(wanted, current), kept->output);
    auto decided = again(*kept);
    return decided ? *std::move(decided) : RenderError(decided.error(), kept->output);
  };
  return answer;
}

// The revision that a read sees which a fault holds back, or 0 for the newest.
Revision StaleRevision(const Core& core, const Call& call) {
  if (call.stale == 0) return 0;
  return std::max({core.store.revision() - call.stale, core.store.compacted(), kFirstRevision});
}

Result<Answer> ListAt(Core& core, const Call& call, const ListQuery& query) {
  Revision at = StaleRevision(core, call);
  size_t limit = query.limit > 0 ? static_cast<size_t>(query.limit) : 0;
  std::string start;
  bool newest = false;
  if (!query.token.empty()) {
    auto token = DecodeToken(query.token);
    if (!token) return token.error();
    if (query.revision != 0)
      return BadRequest("specifying resource version is not allowed when using continue");
    if (query.has_revision) limit = 0;
    newest = token->revision < 0;
    at = newest ? 0 : token->revision;
    start = token->start;
  } else if (query.has_revision) {
    if (query.revision == 0) {
      limit = 0;  // from the cache, which knows no pages (S-5.5)
    } else if (query.match == "Exact" || (query.match.empty() && limit)) {
      at = query.revision;
    }
  }
  auto page = core.store.List(query.selection, at, limit, start);
  if (!page) {
    if (query.token.empty()) return page.error();
    // The rest may still be had, at the newest revision (S-5.8).
    Status status =
        StatusOf(Expired("The provided continue parameter is too old to display a consistent list "
                         "result. You can start a new list without the "
                         "continue parameter, or use the continue token in this response to "
                         "retrieve the remainder of the results. Continuing with "
                         "the provided token results in an inconsistent list - objects that were "
                         "created, modified, or deleted between the time the "
                         "first chunk was returned and now may show up in the list."));
    status.metadata.continue_ = EncodeToken(-1, start);
    return Error::Api(std::move(status));
  }
  const std::string token =
      page->next ? EncodeToken(newest ? -1 : page->revision, *page->next) : "";
  return RenderList(core, call, *page, token);
}

Result<ObjectPtr> Look(Core& core, const Call& call) {
  if (call.stale == 0) return core.store.Get(call.key());
  Selection selection;
  selection.resource = call.served->StoreName();
  selection.ns = call.info.ns;
  auto page = core.store.List(selection, StaleRevision(core, call), 0, {});
  if (!page) return page.error();
  for (ObjectPtr& object : page->objects) {
    if (object->key.name == call.info.name) return std::move(object);
  }
  return ObjectPtr();
}

Result<Answer> GetNow(Core& core, const Call& call) {
  auto looked = Look(core, call);
  if (!looked) return looked.error();
  const ObjectPtr& object = *looked;
  if (!object) {
    GroupResource resource = call.resource();
    if (const auto own = call.served->strategy->called_in_errors; !own.empty())
      resource.resource = own;
    return NotFound(resource, call.info.name);
  }
  return RenderObject(core, call, object);
}

}  // namespace

Result<ListQuery> ParseListQuery(const Call& call, bool watch) {
  ListQuery query;
  query.selection.resource = call.served->StoreName();
  query.selection.ns = call.info.ns;
  for (const auto& [name, number, given] :
       {std::tuple("limit", &query.limit, static_cast<bool*>(nullptr)),
        std::tuple("timeoutSeconds", &query.timeout_seconds, &query.has_timeout)}) {
    const std::string text = call.Parameter(name);
    if (text.empty()) continue;
    auto parsed = GoParseInt(text);
    if (!parsed) return BadRequest(parsed.error().message());
    *number = *parsed;
    if (given) *given = true;
  }
  auto label_selector = labels::Selector::Parse(call.Parameter("labelSelector"));
  if (!label_selector) return BadRequest(label_selector.error().message());
  query.selection.labels = *std::move(label_selector);
  auto field_selector = fields::Selector::Parse(call.Parameter("fieldSelector"));
  if (!field_selector) return BadRequest(field_selector.error().message());
  auto checked = CheckFieldSelector(*std::move(field_selector), *call.served);
  if (!checked) return checked.error();
  query.selection.fields = *std::move(checked);

  query.match = call.Parameter("resourceVersionMatch");
  query.token = call.Parameter("continue");
  query.bookmarks = call.Flag("allowWatchBookmarks");
  query.has_send_initial_events = call.query.Has("sendInitialEvents");
  query.send_initial_events = call.Flag("sendInitialEvents");
  const std::string version = call.Parameter("resourceVersion");
  if (const auto errors = CheckCombination(query, watch, version); !errors.empty()) {
    return InvalidObject({"meta.k8s.io", "ListOptions"}, "", errors);
  }
  if (!query.token.empty() && !watch) {
    if (auto token = DecodeToken(query.token); !token) return token.error();
  }
  if (!version.empty()) {
    auto parsed = GoParseUint(version);
    if (!parsed) {
      const std::string why =
          Cat("resourceVersion: Invalid value: ", Quote(version), ": ", parsed.error().message());
      if (watch) return Untyped(why);
      return BadRequest("invalid resource version: " + why);
    }
    query.revision = static_cast<Revision>(*parsed);
    query.has_revision = true;
  }
  if (watch && !query.token.empty() && query.revision == 0) {
    return InvalidObject(
        {"meta.k8s.io", "ListOptions"}, "",
        {ForbiddenField("resourceVersionMatch",
                        "resourceVersionMatch is forbidden when continue is provided")});
  }
  return query;
}

Result<Answer> GetObject(Core& core, Call& call) {
  const std::string version = call.Parameter("resourceVersion");
  if (call.query.Has("export") && call.Flag("export")) {
    return BadRequest("the export parameter, deprecated since v1.14, is no longer supported");
  }
  if (!version.empty()) {
    const auto wanted = GoParseUint(version);
    if (!wanted)
      return Untyped(
          Cat("resourceVersion: Invalid value: ", Quote(version), ": ", wanted.error().message()));
    if (static_cast<Revision>(*wanted) > core.store.revision()) {
      return Future(core, call, static_cast<Revision>(*wanted),
                    [&core](const Call& kept) { return GetNow(core, kept); });
    }
  }
  return GetNow(core, call);
}

Result<Answer> ListObjects(Core& core, Call& call) {
  auto query = ParseListQuery(call, false);
  if (!query) return query.error();
  if (query->revision > core.store.revision()) {
    return Future(core, call, query->revision,
                  [&core, query = *query](const Call& kept) { return ListAt(core, kept, query); });
  }
  return ListAt(core, call, *query);
}

}  // namespace k8s::fakeapiserver
