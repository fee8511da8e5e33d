// SPDX-License-Identifier: Apache-2.0
#include "core/author/bench/document.hpp"

#include "core/util/files.hpp"
#include "fixture.hpp"

namespace hilum::bench {
namespace {
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

class Document : public InFolder {
 protected:
  std::string refused(const Json& json) {
    const auto file = write("r.json", json.dump());
    return message_of([&] { read_recording(file); }, Fault::data);
  }
};

TEST_F(Document, ComesBackBitForBit) {
  auto recording = some_recording();
  recording.id = "01KAN3V0B5", recording.created = "2026-11-22T00:13:05.123Z";
  const auto back = read_recording(write("r.json", to_json(recording).dump(2)));
  EXPECT_EQ(to_json(back), to_json(recording));
  ASSERT_EQ(back.timings.size(), 2u);
  EXPECT_EQ(back.timings[0].samples, recording.timings[0].samples);
  EXPECT_EQ(back.timings[1].options, recording.timings[1].options);
  EXPECT_EQ(back.threads, 2);
  EXPECT_EQ(back.device, recording.device);
  EXPECT_EQ(back.tag, "before");
}

TEST_F(Document, WhatIsNoRecordingIsSaid) {
  EXPECT_THAT(message_of([&] { read_recording(folder / "none.json"); }),
              HasSubstr("none.json: there is no such file"));
  const auto cut = write("cut.json", to_json(some_recording()).dump().substr(0, 300));
  EXPECT_THAT(message_of([&] { read_recording(cut); }, Fault::data),
              HasSubstr("cut.json: is no recording of `hilum plugins bench -o`: "));
  EXPECT_THAT(refused(Json{{"a", 1}}), HasSubstr("hilum_benchmark"));
  EXPECT_THAT(refused(Json{{"hilum_benchmark", 9}}), HasSubstr("its form is 9, allowed 1"));
  Json json = to_json(some_recording());
  json["cases"][1]["samples"] = {0.5, -1};
  EXPECT_THAT(refused(json), HasSubstr("'32x32/forward_backward': a sample is -1"));
  json["cases"][1]["samples"] = Json::array();
  EXPECT_THAT(refused(json), HasSubstr("has no samples"));
  json["cases"] = Json::array();
  EXPECT_THAT(refused(json), HasSubstr("it has no cases"));
}

}  // namespace
}  // namespace hilum::bench
