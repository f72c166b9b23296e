// Copyright the psoas authors. Licensed under the Apache License, Version 2.0.   SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>

#include "psoas/core/error.hpp"
#include "psoas/core/words.hpp"
#include "psoas/io/file.hpp"
#include "psoas/model/file.hpp"
#include "psoas/report/text.hpp"
#include "psoas/sweep/engine.hpp"

namespace psoas::app {
namespace {

// A signal handler can see nothing else.
volatile sig_atomic_t files_are_being_written = 0;
volatile sig_atomic_t signal_came = 0;

/// Outside of writing files there is nothing to lose; while they are written, the signal waits for them.
void on_signal(int) {
  if (files_are_being_written) {
    signal_came = 1;
    return;
  }
  constexpr char text[] = "\ninterrupted\n";
  [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, text, sizeof text - 1);
  ::_exit(interrupted);
}

/// Gives 0, or the error number.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

bool colour_on(int descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return ::isatty(descriptor) && !(no_colour && *no_colour) && !(term && std::strcmp(term, "dumb") == 0);
}

std::vector<std::string>& arguments() {
  static std::vector<std::string> all;
  return all;
}

}  // namespace

void prepare(int argc, char** argv) {
  arguments().assign(argv, argv + argc);
  // A file must never be opened as a standard stream that the caller has closed.
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(descriptor, F_GETFD) == -1 && errno == EBADF) {
      [[maybe_unused]] const int opened = ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
  struct sigaction action {};
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);  // print() sees it as an error of write
  ::sigaction(SIGXFSZ, &action, nullptr);  // and write_files() the file that becomes too large
  action.sa_handler = on_signal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);
  }
}

void print(std::string_view text) {
  if (const int error = write_all(STDOUT_FILENO, text); error != 0 && error != EPIPE)
    throw Error(Kind::io, "standard output", std::string("cannot be written: ") + std::strerror(error));
}

void say(std::string_view text) { write_all(STDERR_FILENO, std::string(text) + "\n"); }

void print_json(const json& value) { print(value.dump(2, ' ', false, json::error_handler_t::replace) + "\n"); }

bool colour_out() { return colour_on(STDOUT_FILENO); }
bool colour_error() { return colour_on(STDERR_FILENO); }

int report_error() {
  try {
    throw;
  } catch (const Error& error) {
    say(error.what());
    return error.kind() == Kind::numeric ? numeric_failure : bad_input;
  } catch (const std::bad_alloc&) {
    say("psoas: not enough memory");
  } catch (const std::exception& error) {
    say(std::string("psoas: something went wrong that should not have: ") + error.what());
  }
  return numeric_failure;
}

FinishFirst::FinishFirst() { files_are_being_written = 1; }
FinishFirst::~FinishFirst() { files_are_being_written = 0; }
bool was_interrupted() { return signal_came != 0; }

double clock_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Progress::Progress() : start_(clock_seconds()), terminal_(::isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  if (drawn_) write_all(STDERR_FILENO, "\r\x1b[K");
}

void Progress::operator()(double share_done, const std::string& what) {
  if (!terminal_) return;
  const double elapsed = clock_seconds() - start_;
  if (elapsed < 2.0 || !(share_done > 0.0)) return;
  show(share_done, fixed_text(100.0 * share_done / elapsed, 1) + " %/s  " +
                       fixed_text(std::ceil(elapsed / share_done * (1.0 - share_done)), 0) + " s left" +
                       (what.empty() ? "" : "  " + readable_name(what)));
}

void Progress::show(double share_done, const std::string& text) {
  if (!terminal_) return;
  const double now = clock_seconds();
  if (now - start_ < 2.0 || now - shown_ < 0.1) return;
  shown_ = now;
  drawn_ = true;
  const auto filled = static_cast<std::size_t>(std::min(1.0, share_done) * 24.0);
  const std::string bar = std::string(filled, '#') + std::string(24 - filled, '.');
  write_all(STDERR_FILENO, "\r\x1b[K[" + bar + "] " + fixed_text(100.0 * share_done, 0) + " %  " + text);
}

std::string ending_of(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return ending;
}

std::vector<std::string> comma_separated(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const std::string& text : texts)
    for (std::size_t start = 0; start <= text.size();) {
      const std::size_t end = std::min(text.find(',', start), text.size());
      std::string word = text.substr(start, end - start);
      word.erase(0, word.find_first_not_of(' '));
      word.resize(word.find_last_not_of(' ') + 1);
      if (!word.empty()) out.push_back(word);
      start = end + 1;
    }
  return out;
}

std::string counted(std::size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string time_text(double seconds) {
  if (seconds < 1e-3) return fixed_text(seconds * 1e6, 0) + " µs";
  if (seconds < 1.0) return fixed_text(seconds * 1e3, seconds < 0.01 ? 1 : 0) + " ms";
  if (seconds < 120.0) return fixed_text(seconds, seconds < 10.0 ? 2 : 0) + " s";
  if (seconds < 7200.0) return fixed_text(seconds / 60.0, 0) + " min";
  return fixed_text(seconds / 3600.0, 1) + " h";
}

std::string format_of(const std::string& path) {
  // only the outermost members and what is in their lists are kept, so that depth does not matter
  const auto shallow = [](int depth, json::parse_event_t event, json&) {
    return depth == 0 || (depth == 1 && event == json::parse_event_t::array_start) ||
           (event != json::parse_event_t::object_start && event != json::parse_event_t::array_start);
  };
  std::vector<std::filesystem::path> next = {path};  // the last one is looked at first
  bool wrong = false;
  for (int files = 0; !wrong && !next.empty(); ++files) {
    const std::filesystem::path file = next.back();
    next.pop_back();
    std::error_code ignored;
    wrong = files > 0 && (files == 64 || !std::filesystem::exists(file, ignored));
    if (wrong) break;
    const std::string text = read_file(file.string());
    const json root = json::parse(text, shallow, false, true);
    if (root.is_discarded()) parse_model(file.string(), text);  // says where it is no JSON
    if (!root.is_object()) return "";
    if (root.contains("format")) return root["format"].is_string() ? root["format"].get<std::string>() : "";
    if (!root.contains("extends")) continue;
    const json& extends = root["extends"];
    const json bases = extends.is_array() ? extends : json::array({extends});
    for (const json& base : bases)
      if (base.is_string())
        next.push_back(file.parent_path() / base.get<std::string>());
      else
        wrong = true;
  }
  if (wrong) read_model(path);  // says what is wrong with its bases
  return "";
}

std::string program_folder() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path().string();
}

std::uint64_t whole_number(const std::string& option, const std::string& text, std::uint64_t low, std::uint64_t high) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high)
    throw Error(Kind::input, option,
                "expected a whole number from " + std::to_string(low) + " to " + std::to_string(high) + ", found " +
                    in_quotes(text));
  return value;
}

int threads_of(const std::string& text) {
  return text.empty() ? default_threads() : static_cast<int>(whole_number("--threads", text, 1, 4096));
}

const std::vector<std::string>& command_line() { return arguments(); }

std::string host_name() {
  char name[256] = "";
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

std::string utc_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace psoas::app
