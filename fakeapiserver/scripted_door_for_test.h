#pragma once

// A door whose answers a test makes up. Only tests include this.

#include <functional>
#include <vector>

#include "fakeapiserver/session.h"

namespace k8s::fakeapiserver {

class ScriptedDoor final : public Door {
 public:
  std::function<Answer(const http::Request&)> answer = [](const http::Request&) {
    return Answer::Text(200, "fine");
  };
  std::function<std::unique_ptr<Answer>(const http::MessageHead&)> on_head;  // none: goes on
  std::vector<http::Request> requests;                                       // that were served

  Admission Admit() override { return {}; }
  Refusal Refuses() override { return {}; }
  std::unique_ptr<Answer> OnHead(const http::MessageHead& head, uint64_t) override {
    return on_head ? on_head(head) : nullptr;
  }
  Answer Serve(const http::Request& request, uint64_t) override {
    requests.push_back(request);
    return answer(request);
  }
  const std::shared_ptr<std::atomic<size_t>>& sessions() const override { return sessions_; }

 private:
  const std::shared_ptr<std::atomic<size_t>> sessions_ = std::make_shared<std::atomic<size_t>>(0);
};

}  // namespace k8s::fakeapiserver
