// SPDX-License-Identifier: Apache-2.0
// Plugins that lie while they register. One object serves all of these libraries: kLie, in a file
// of one line a library, says which one this is.
#include <hilum/plugin.hpp>

#include <cstdio>
#include <cstdlib>
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

}  // namespace

HILUM_PLUGIN(r) {
  const std::string_view lie = kLie;
  const std::string name(lie);
  if (lie == "throws") throw hilum::Error("the weights of 1998 are not here", hilum::Fault::plugin);
  if (lie == "throws_int") throw 42;
  if (lie == "crashes_late") std::abort();
  if (lie == "prints") std::puts("{\"library\": \"nonsense\"}\nnot JSON at all");
  if (lie == "silent") return;
  if (lie == "twice") r.add<Good>(name, "1.0", "first");
  if (lie == "reserved") return r.add<Reserved>(name, "1.0", "an option named guide");
  if (lie == "bad_default") return r.add<BadDefault>(name, "1.0", "a default below its range");
  if (lie == "option_twice") return r.add<OptionTwice>(name, "1.0", "two options of one name");
  r.add<Good>(lie == "other_name" ? "another" : name, "1.2", "a good one", "A. Author 2020");
}
