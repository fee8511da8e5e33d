// SPDX-License-Identifier: Apache-2.0
// resnet50: torchvision's ResNet-50 without pooling and classifier. C1 is the stem, C2 the maximum
// pooling and layer1, C3 … C5 layer2 … layer4.
#include <hilum/resnet.hpp>

namespace {
struct ResNet50 {
  struct Options {
    int64_t width = 64, depth = 5, in_channels = 0;
    std::vector<int64_t> layers{3, 4, 6, 3};
  };
  static hilum::Schema<Options> schema() {
    return hilum::Schema<Options>{}
        .add("width", &Options::width,
             "channels of C1; C2 has 4·width, doubled at each stage after it")
        .range(1, 1024)
        .add("depth", &Options::depth, "the stages are C1 to C<depth>")
        .range(1, 5)
        .add("in_channels", &Options::in_channels, "channels of the image; 0: as the data has")
        .range(0, 64)
        .add("layers", &Options::layers,
             "blocks of C2, C3, C4, C5; [3, 4, 23, 3] is ResNet-101, [3, 8, 36, 3] ResNet-152")
        .range(1, 100)
        .rule([](const Options& o) { return o.layers.size() == 4; },
              "'layers' needs four numbers of blocks, those of C2, C3, C4 and C5, whatever the "
              "depth: layers = [3, 4, 6, 3]");
  }
  static void build(const Options& opt, hilum::Graph& g) {
    hilum::resnet::stages(g,
                          {.width = opt.width,
                           .depth = opt.depth,
                           .in_channels = opt.in_channels,
                           .layers = opt.layers},
                          "");
  }
};
}  // namespace

HILUM_PLUGIN(r) {
  r.add<ResNet50>("resnet50", "1.0", "ResNet-50 with torchvision's parameter names, 2D or 3D",
                  "He et al., CVPR 2016, arXiv 1512.03385; torchvision's v1.5 (stride on the 3×3)");
}
