#include "fakeapiserver/fault_replies.h"

#include <algorithm>

#include "k8s/base/strings.h"

namespace k8s::fakeapiserver {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kHtml = "text/html";

constexpr Flavour kFlavours[] = {
    {"too-many-requests", 429, kText, "", "Too many requests, please try again later.\n", "1",
     "priority and fairness, or the limit of requests in flight, turns the request away"},
    {"shutting-down", 429, kText, "", "The apiserver is shutting down, please try again later.\n",
     "5", "a request that comes during the shutdown delay"},
    {"draining", 503, "", "ServiceUnavailable", "apiserver is shutting down", "1",
     "a request that comes when the server only finishes what it has"},
    {"initializing", 429, "", "TooManyRequests", "storage is (re)initializing", "1",
     "the watch cache is filling, after a start or a lost etcd watch"},
    {"timeout", 504, kText, "",
     R"({"metadata":{},"status":"Failure","message":"Timeout: request did not complete within the allotted timeout","reason":"Timeout","details":{},"code":504})"
     "\n",
     "", "the deadline of the request passed before anything was written"},
    {"write-timeout", 504, "", "Timeout",
     "Timeout: request did not complete within requested timeout - context deadline exceeded", "",
     "a change did not finish within 34 seconds"},
    {"leader-changed", 500, "", "", "etcdserver: leader changed", "", "etcd elects a new leader"},
    {"etcd-timeout", 500, "", "", "etcdserver: request timed out", "", "etcd has lost its quorum"},
    {"etcd-unavailable", 500, "", "",
     "rpc error: code = Unavailable desc = error reading from server: EOF", "",
     "the connection to etcd breaks"},
    {"etcd-overloaded", 500, "", "", "etcdserver: too many requests", "",
     "etcd turns the request away"},
    {"etcd-full", 500, "", "", "etcdserver: mvcc: database space exceeded", "",
     "the quota of etcd's database is used up"},
    {"object-too-large", 500, "", "", "etcdserver: request is too large", "",
     "an object over etcd's limit of 1.5 MiB"},
    {"expired", 410, "", "Expired", "The resourceVersion for the provided watch is too old.", "",
     "the history that a watch or a continue token needs is compacted away"},
    {"webhook-timeout", 500, "", "InternalError",
     "Internal error occurred: failed calling webhook \"w.example.com\": failed to call webhook: "
     "Post \"https://w.default.svc:443/?timeout=10s\": context deadline exceeded",
     "", "an admission webhook does not answer"},
    {"webhook-denied", 400, "", "",
     "admission webhook \"w.example.com\" denied the request without explanation", "",
     "an admission webhook says no"},
    {"unauthorized", 401, "", "Unauthorized", "Unauthorized", "", "the token has expired"},
    {"service-unavailable", 503, kText, "", "service unavailable\n", "",
     "the aggregator cannot reach the server of an API"},
    {"bad-gateway", 502, kHtml, "",
     "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad "
     "Gateway</h1></center>\r\n</body>\r\n</html>\r\n",
     "", "a load balancer has no server behind it"},
    {"login-page", 200, kHtml, "", "<!DOCTYPE html>\n<html><body>Please sign in</body></html>\n",
     "", "a proxy that wants a login answers in the server's place"},
};

constexpr std::pair<int, std::string_view> kReasons[] = {
    {400, "BadRequest"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "NotFound"},
    {405, "MethodNotAllowed"},
    {406, "NotAcceptable"},
    {409, "Conflict"},
    {410, "Expired"},
    {413, "RequestEntityTooLarge"},
    {415, "UnsupportedMediaType"},
    {422, "Invalid"},
    {429, "TooManyRequests"},
    {500, "InternalError"},
    {503, "ServiceUnavailable"},
    {504, "Timeout"},
};

}  // namespace

std::span<const Flavour> Flavours() { return kFlavours; }

const Flavour* FindFlavour(std::string_view name) {
  const auto found = std::find_if(std::begin(kFlavours), std::end(kFlavours),
                                  [&](const Flavour& one) { return one.name == name; });
  return found == std::end(kFlavours) ? nullptr : found;
}

std::string_view ReasonOfCode(int code) {
  for (const auto& [known, reason] : kReasons) {
    if (known == code) return reason;
  }
  return {};
}

Status StatusOf(const Reply& reply) {
  Status status;
  status.status = reply.status < 400 ? "Success" : "Failure";
  status.code = reply.status;
  status.reason = reply.reason;
  status.message = reply.message;
  if (const auto seconds = ParseInt(reply.headers.Get("Retry-After")); seconds && *seconds > 0) {
    status.details = StatusDetails{};
    status.details->retryAfterSeconds =
        static_cast<int32_t>(std::min<int64_t>(*seconds, INT32_MAX));
  }
  return status;
}

}  // namespace k8s::fakeapiserver
