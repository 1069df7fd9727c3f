#pragma once

// Credentials that a program prints (2.6): a plugin is run when credentials are needed and those at
// hand have expired or were refused, one run at a time however many requests wait. Any thread may
// call any member. Owns the credentials; they are in no text and no file.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "k8s/base/env.h"
#include "k8s/http/connection_tracker.h"
#include "k8s/http/round_tripper.h"
#include "k8s/rest/config.h"
#include "k8s/rest/exec_credential.h"

namespace k8s::rest {

// Plugins that the process remembers with their credentials; beyond it the one that was asked for
// longest ago is forgotten.
inline constexpr size_t kMaxExecPlugins = 64;
// How often an hour the error of a missing program says what to do about it.
inline constexpr int kMaxInstallHints = 10;

class ExecPlugin : public std::enable_shared_from_this<ExecPlugin> {
 public:
  // The plugin of this config, cluster and env; the whole process shares it. Errors are kConfig.
  static Result<std::shared_ptr<ExecPlugin>> For(const ExecConfig& config,
                                                 std::optional<ExecCluster> cluster,
                                                 const Env& env);
  ~ExecPlugin();

  // Gives its token to requests without an Authorization header. A 401 makes it run again for the
  // requests to come; the response is the caller's.
  http::Layer Authenticate();
  // Of the credentials at hand; never runs the program.
  http::CertificatePair Certificate() const;
  // Of the transports that present its certificate: a new one closes their connections.
  const std::shared_ptr<http::ConnectionTracker>& tracker() const { return tracker_; }

 private:
  class Layer;
  using Credentials = std::shared_ptr<const ExecCredential>;

  ExecPlugin(ExecConfig config, std::optional<ExecCluster> cluster, Env env);
  Result<Credentials> Get(const Context& ctx);
  // Runs the program unless others than the `refused` credentials are at hand by now.
  Result<void> Refresh(const Credentials& refused, const Context& ctx);
  Result<void> RefreshLocked(std::unique_lock<std::mutex>& lock, const Context& ctx);
  Result<void> WaitForRun(std::unique_lock<std::mutex>& lock, const Context& ctx);
  void Install(ExecCredential fresh, const http::Validity& validity);

  Result<ExecCredential> Run(const Context& ctx);
  Result<Finished> RunProgram(const Command& command, const Context& ctx);
  Result<bool> IsInteractive() const;
  // The file to run; "" when there is none.
  Result<std::string> CheckPolicy() const;
  Error NotFound();

  const ExecConfig config_;
  const std::optional<ExecCluster> cluster_;
  const Env env_;
  const std::shared_ptr<http::ConnectionTracker> tracker_ =
      std::make_shared<http::ConnectionTracker>();

  mutable std::mutex mutex_;  // guards what follows; not held during a run
  std::condition_variable_any changed_;
  bool running_ = false;
  Credentials credentials_;
  http::Validity validity_;  // of their certificate
  int hints_ = 0;
  std::optional<TimePoint> hints_since_;
};

// Errors are kConfig: a list that nobody asked for, or that names nothing, is a mistake.
Result<void> CheckPluginPolicy(const PluginPolicy& policy);

}  // namespace k8s::rest
