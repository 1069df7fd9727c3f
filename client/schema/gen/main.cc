// k8s-gen --out DIR FACTS...: writes the generated half of the client. Files whose content stays
// the same are not touched, so that nothing is compiled again for nothing.

#include <filesystem>
#include <iostream>

#include "emit.h"
#include "k8s/base/host.h"
#include "k8s/base/strings.h"
#include "parser.h"

namespace k8s::gen {
namespace {

Result<void> Run(const std::string& out, const std::vector<std::string>& inputs) {
  const auto host = RealHost();
  std::vector<FileFacts> files;
  for (const std::string& input : inputs) {
    const auto text = host->ReadFile(input);
    if (!text) return text.error();
    auto facts = ParseFacts(input, *text);
    if (!facts) return facts.error();
    files.push_back(*std::move(facts));
  }
  const auto outputs = Emit(files);
  if (!outputs) return outputs.error();
  for (const auto& [name, content] : *outputs) {
    const std::string path = Cat(out, "/", name);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    if (const auto old = host->ReadFile(path); old && *old == content) continue;
    if (auto written = host->WriteFile(path, content, 0644); !written) return written;
  }
  return {};
}

}  // namespace
}  // namespace k8s::gen

int main(int argc, char** argv) {
  if (argc < 4 || std::string_view(argv[1]) != "--out") {
    std::cerr << "usage: k8s-gen --out DIR FACTS...\n";
    return 2;
  }
  const auto done = k8s::gen::Run(argv[2], {argv + 3, argv + argc});
  if (done) return 0;
  std::cerr << "k8s-gen: " << done.error() << '\n';
  return 1;
}
