#include "k8s/http/replay_safe.h"

#include "k8s/http/retry.h"

namespace k8s::http {

bool NothingDone(int status, const Headers& headers) {
  if (status < 300) return false;
  if (status < 500) return true;
  // A server that drains turns requests away, and says when to come back.
  return status == 503 && ParseRetryAfter(headers.Get("Retry-After")).has_value();
}

bool NothingDone(const Result<Response>& outcome) {
  if (!outcome) return outcome.error().nothing_done();
  return NothingDone(outcome->status, outcome->headers);
}

bool MayRepeat(CallClass call_class, const Result<Response>& outcome) {
  switch (PromiseOf(call_class)) {
    case Promise::kRepeat:
      return true;
    case Promise::kReadBack:
    case Promise::kUnacted:
      return NothingDone(outcome);
    case Promise::kOnce:
      return !outcome && NothingDone(outcome);
  }
  return false;
}

bool MayHeal(const Result<Response>& outcome) {
  if (outcome) {
    switch (outcome->status) {
      case 429:
      case 500:
      case 502:
      case 503:
      case 504:
        return true;
      default:
        return outcome->status > 500 &&
               ParseRetryAfter(outcome->headers.Get("Retry-After")).has_value();
    }
  }
  if (outcome.error().code() != Error::Code::kTransport) return false;
  switch (outcome.error().cause()) {
    case TransportCause::kRefused:
    case TransportCause::kUnreachable:
    case TransportCause::kReset:
    case TransportCause::kEof:
    case TransportCause::kTruncated:
    case TransportCause::kTimeout:
      return true;
    case TransportCause::kOther:
    case TransportCause::kResolve:
    case TransportCause::kTls:
    case TransportCause::kProtocol:
      return false;
  }
  return false;
}

}  // namespace k8s::http
