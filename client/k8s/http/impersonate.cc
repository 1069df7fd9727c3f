#include "k8s/http/impersonate.h"

#include "k8s/base/mutant.h"
#include "k8s/base/strings.h"
#include "k8s/http/h1.h"
#include "k8s/http/layer.h"

namespace k8s::http {

std::string EscapeExtraKey(std::string_view key) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : key) {
    if (c != '%' && IsToken(std::string_view(&c, 1))) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

Layer Impersonate(Impersonation who) {
  return MakeEditingLayer(
      [](const Request& request) { return request.headers.Get("Impersonate-User").empty(); },
      [who = std::move(who)](Request& request) {
        // The user goes out even when it is empty: the server must see that the rest is meant.
        request.headers.Set("Impersonate-User", who.user_name);
        if (!K8S_MUTANT("impersonated_uid_is_lost") && !who.uid.empty())
          request.headers.Set("Impersonate-Uid", who.uid);
        for (const std::string& group : who.groups) {
          if (K8S_MUTANT("last_group_only")) request.headers.Remove("Impersonate-Group");
          request.headers.Add("Impersonate-Group", group);
        }
        for (const auto& [key, values] : who.extra) {
          const std::string name = Cat("Impersonate-Extra-", EscapeExtraKey(key));
          for (const std::string& value : values) request.headers.Add(name, value);
        }
      });
}

}  // namespace k8s::http
