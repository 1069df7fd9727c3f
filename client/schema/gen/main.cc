// k8s-gen --out DIR FACTS... writes the generated half of the client; k8s-gen --out DIR --library
// SCHEMA FACTS... types and tables of another API, which may use the types of the facts files in
// SCHEMA. Files whose content stays the same are not touched, so that nothing is compiled again for
// nothing.

#include <filesystem>
#include <iostream>

#include "emit.h"
#include "k8s/base/host.h"
#include "k8s/base/strings.h"
#include "parser.h"

namespace k8s::gen {
namespace {

Result<std::vector<FileFacts>> ReadAll(const Host& host, const std::vector<std::string>& paths) {
  std::vector<FileFacts> files;
  for (const std::string& path : paths) {
    const auto text = host.ReadFile(path);
    if (!text) return text.error();
    auto facts = ParseFacts(path, *text);
    if (!facts) return facts.error();
    files.push_back(*std::move(facts));
  }
  return files;
}

Result<std::vector<FileFacts>> ReadLibrary(const Host& host, const std::string& schema) {
  const auto names = host.ListDirectory(schema);
  if (!names) return names.error();
  std::vector<std::string> paths;
  for (const std::string& name : *names) {
    if (name.ends_with(".facts")) paths.push_back(Cat(schema, "/", name));
  }
  return ReadAll(host, paths);
}

// schema: "" for the library itself.
Result<void> Run(const std::string& out, const std::string& schema,
                 const std::vector<std::string>& inputs) {
  const auto host = RealHost();
  const auto files = ReadAll(*host, inputs);
  if (!files) return files.error();
  std::vector<FileFacts> library;
  if (!schema.empty()) {
    auto read = ReadLibrary(*host, schema);
    if (!read) return read.error();
    library = *std::move(read);
  }
  const auto outputs = schema.empty() ? Emit(*files) : EmitFurther(*files, library);
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
  std::vector<std::string> arguments(argv + 1, argv + argc);
  std::string out, schema;
  for (const auto& [option, value] : {std::pair("--out", &out), std::pair("--library", &schema)}) {
    if (arguments.size() < 2 || arguments[0] != option) continue;
    *value = arguments[1];
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  if (out.empty() || arguments.empty()) {
    std::cerr << "usage: k8s-gen --out DIR [--library SCHEMA] FACTS...\n";
    return 2;
  }
  const auto done = k8s::gen::Run(out, schema, arguments);
  if (done) return 0;
  std::cerr << "k8s-gen: " << done.error() << '\n';
  return 1;
}
