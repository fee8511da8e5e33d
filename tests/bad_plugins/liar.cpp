// SPDX-License-Identifier: Apache-2.0
// Plugins that lie while they register. One object serves all of these libraries: kLie, in a file
// of one line a library, says which one this is.
#include <hilum/plugin.hpp>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

extern const char* const kLie;

namespace {

struct Good {
  struct Options {
    int64_t width = 8, heads = 2;
    double limit = std::numeric_limits<double>::infinity();
    std::string mode = "sum";
    hilum::Strings tags = {"a", "b"};
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("width", &Options::width, "channels of the first stage", "channels")
        .range(1, 64)
        .add("heads", &Options::heads, "attention heads")
        .range(1, 16)
        .add("limit", &Options::limit, "largest norm; inf: none")
        .add("mode", &Options::mode, "how two streams meet")
        .one_of({"sum", "gate"})
        .add("tags", &Options::tags, "free words")
        .rule([](const Options& o) { return o.width % o.heads == 0; },
              "'width' must be a multiple of 'heads'");
  }
  static void build(const Options&, hilum::Graph&) {}
};

struct Reserved : Good {
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}.add("guide", &Options::mode, "a key of the core");
  }
};

struct BadDefault : Good {
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}.add("width", &Options::width, "channels").range(16, 64);
  }
};

struct OptionTwice : Good {
  static hilum::Schema<Options> schema() {
    return Good::schema().add("width", &Options::heads, "again");
  }
};

struct NoModule : Good {
  static void build(const Options&, hilum::Graph& g) {
    g.stage("S1", {g.input()}, [](const hilum::Site&) { return std::shared_ptr<Passes>(); });
  }
  struct Passes : torch::nn::Module {
    hilum::Tensor forward(const hilum::Tensor& x) { return x; }
  };
};

struct First : hilum::Fusion {
  hilum::Tensor forward(const hilum::Tensors& in) override { return in[0]; }
};

// What r.add would have filled in, but for the factory.
hilum::Plugin by_hand(const std::string& kind, const std::string& name) {
  hilum::Plugin plugin;
  plugin.kind = kind, plugin.name = name;
  plugin.version = "1.0", plugin.summary = "made by hand";
  plugin.validate = [](const hilum::Values&, const std::string&, const std::string&,
                       hilum::Problems&, const hilum::Strings&) {};
  return plugin;
}

// Heads whose factory keeps no promise.
bool registers_a_head(std::string_view lie, hilum::Registrar& r) {
  if (lie != "null_part" && lie != "other_part") return false;
  auto head = by_hand("head", std::string(lie));
  const bool none = lie == "null_part";
  head.make = [none](const hilum::Values&, const hilum::Site&) -> std::shared_ptr<hilum::Part> {
    if (none) return nullptr;
    return std::make_shared<First>();
  };
  r.plugins.push_back(std::move(head));
  return true;
}

int64_t deeper(int64_t depth) {  // not a tail call: each level keeps its own numbers
  volatile int64_t own[256] = {};
  own[depth % 256] = depth;
  return deeper(depth + 1) + own[(depth + 1) % 256];
}

void throws() { throw hilum::Error("thrown out of noexcept"); }
void throws_where_it_must_not() noexcept { throws(); }

// All that takes the process along.
void misbehave(std::string_view lie) {
  if (lie == "crashes_late") std::abort();
  if (lie == "exits_late") std::exit(7);
  if (lie == "exits_at_once") _exit(7);
  if (lie == "exits_quickly") std::quick_exit(7);
  if (lie == "kills_itself") std::raise(SIGKILL);
  if (lie == "overflows") std::printf("%ld\n", static_cast<long>(deeper(0)));
  if (lie == "terminates") throws_where_it_must_not();
  for (volatile uint64_t i = 0; lie == "spins";) i = i + 1;
}

}  // namespace

HILUM_PLUGIN(r) {
  const std::string_view lie = kLie;
  const std::string name(lie);
  misbehave(lie);
  if (registers_a_head(lie, r)) return;
  if (lie == "null_factory") return r.plugins.push_back(by_hand("backbone", name));
  if (lie == "null_module") return r.add<NoModule>(name, "1.0", "a stage without a module");
  if (lie == "throws") throw hilum::Error("the weights of 1998 are not here", hilum::Fault::plugin);
  if (lie == "throws_int") throw 42;
  if (lie == "prints") std::puts("{\"library\": \"nonsense\"}\nnot JSON at all");
  if (lie == "silent") return;
  if (lie == "twice") r.add<Good>(name, "1.0", "first");
  if (lie == "reserved") return r.add<Reserved>(name, "1.0", "an option named guide");
  if (lie == "bad_default") return r.add<BadDefault>(name, "1.0", "a default below its range");
  if (lie == "option_twice") return r.add<OptionTwice>(name, "1.0", "two options of one name");
  r.add<Good>(lie == "other_name" ? "another" : name, "1.2", "a good one", "A. Author 2020");
}
