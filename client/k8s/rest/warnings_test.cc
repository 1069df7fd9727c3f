#include "k8s/rest/warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "k8s/base/log.h"
#include "k8s/base/strings.h"

namespace k8s::rest {
namespace {

using testing::ElementsAre;

std::vector<std::string> Parsed(std::initializer_list<std::string> lines) {
  http::Headers headers;
  for (const std::string& line : lines) headers.Add("Warning", line);
  std::vector<std::string> out;
  for (const Warning& warning : ParseWarnings(headers)) {
    out.push_back(Cat(std::to_string(warning.code), " ", warning.agent, " ", warning.text));
  }
  return out;
}

TEST(Warnings, AreReadInOrder) {  // C-3.33
  EXPECT_THAT(
      Parsed({R"(299 - "a", 299 me "b, c")", R"(199 - "x" "Wed, 21 Oct 2015 07:28:00 GMT")"}),
      ElementsAre("299 - a", "299 me b, c", "199 - x"));
  EXPECT_THAT(Parsed({R"(299 - "a \"b\" \\")"}), ElementsAre(R"(299 - a "b" \)"));
}

TEST(Warnings, AMalformedEntryDropsTheRestOfItsLine) {  // chapter 3.9
  EXPECT_THAT(Parsed({R"(299 - "a", 29 - "b", 299 - "c")", R"(299 - "d")"}),
              ElementsAre("299 - a", "299 - d"));
  for (const char* bad : {"", "299", "299 - a", "299 \"a\"", "299 - \"a", "abc - \"a\"",
                          "299 - \"a\\", "299 - \"\x01\"", "299 - \"\xff\"", "299 - \"a\" x"}) {
    EXPECT_THAT(Parsed({bad}), ElementsAre()) << bad;
  }
}

TEST(Warnings, TheDefaultHandlerLogsOnlyCode299) {  // C-3.33
  std::vector<std::string> lines;
  SetLogSink([&](int, std::string_view line) { lines.emplace_back(line); });
  const WarningHandler handler = LogWarnings();
  handler({299, "-", "seen"});
  handler({199, "-", "unseen"});
  handler({299, "-", ""});
  NoWarnings()({299, "-", "unseen"});
  SetLogSink({});
  EXPECT_THAT(lines, ElementsAre("Warning: seen"));
}

TEST(Warnings, AWriterCountsAndSaysEachOnceWhenAsked) {  // chapter 3.9
  std::vector<std::string> lines;
  const auto write = [&](std::string_view line) { lines.emplace_back(line); };
  const WarningWriter all(write), once(write, {.deduplicate = true, .color = true});
  for (int i = 0; i < 2; ++i) {
    all.Handler()({299, "-", "a"});
    once.Handler()({299, "-", "a"});
    once.Handler()({298, "-", "b"});
  }
  EXPECT_THAT(lines, ElementsAre("Warning: a", "\x1b[33;1mWarning:\x1b[0m a", "Warning: a"));
  EXPECT_EQ(all.WarningCount(), 2);
  EXPECT_EQ(once.WarningCount(), 1);
}

}  // namespace
}  // namespace k8s::rest
