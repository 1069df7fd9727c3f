#pragma once

// What most layers are: a step before the next RoundTripper, which may add headers. For layers that
// do more, see the files that do it. May be called from many threads at once.

#include <memory>
#include <utility>

#include "k8s/http/round_tripper.h"

namespace k8s::http {

// Calls edit(request) on a copy of each request for which wants(request) holds. Bodies are shared,
// so the copy is cheap.
template <class Wants, class Edit>
class EditingLayer final : public RoundTripper {
 public:
  EditingLayer(std::shared_ptr<RoundTripper> next, Wants wants, Edit edit)
      : next_(std::move(next)), wants_(std::move(wants)), edit_(std::move(edit)) {}

  Result<Response> RoundTrip(const Request& request, const Context& ctx) override {
    if (!wants_(request)) return next_->RoundTrip(request, ctx);
    Request edited = request;
    edit_(edited);
    return next_->RoundTrip(edited, ctx);
  }
  void CloseIdleConnections() override { next_->CloseIdleConnections(); }

 private:
  std::shared_ptr<RoundTripper> next_;
  Wants wants_;
  Edit edit_;
};

template <class Wants, class Edit>
Layer MakeEditingLayer(Wants wants, Edit edit) {
  return [=](std::shared_ptr<RoundTripper> next) -> std::shared_ptr<RoundTripper> {
    return std::make_shared<EditingLayer<Wants, Edit>>(std::move(next), wants, edit);
  };
}

}  // namespace k8s::http
