// SPDX-License-Identifier: Apache-2.0
#include "core/runs/tidy/edit.hpp"

#include "fixture.hpp"
#include "hilum/names.hpp"

namespace hilum::runs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Edit : public StoreTest {
 protected:
  Edit() {
    Store store(folder);
    NewRun run = some_run("a");
    run.tags = {"phantom", "mine"};
    id = store.begin(run);
    store.log(id, std::vector<Metric>{{1, 1, "test", "mask.dice", 0.5}});
    store.finish(id, "done");
  }
  Strings tags() { return tags_of(Reader(folder), id); }
  std::string note() { return note_of(Reader(folder), id); }
  std::string id;
};

TEST_F(Edit, TagsComeAndGoAndTheSealHolds) {
  add_tags(folder, id, {"paper", "mine", "paper"});
  EXPECT_THAT(tags(), ElementsAre("mine", "paper", "phantom"));
  remove_tags(folder, id, {"mine", "paper"});
  EXPECT_THAT(tags(), ElementsAre("phantom"));
  set_note(folder, id, "looked at again");
  EXPECT_EQ(Reader(folder).sealed(id), Seal::fits);
}

TEST_F(Edit, AWrongTagChangesNothing) {
  for (const char* wrong : {"", "a b", " a", "a,b", "a\nb", "a\tb", "\x7f"})
    EXPECT_THAT(message_of([&] {
                  add_tags(folder, id, {"good", wrong});
                }),
                HasSubstr("allowed printable text without blanks and commas"))
        << wrong;
  EXPECT_THAT(message_of([&] {
                remove_tags(folder, id, {"mine", "minee"});
              }),
              HasSubstr("has no tag 'minee'. Did you mean 'mine'?"));
  EXPECT_THAT(tags(), ElementsAre("mine", "phantom"));
}

TEST_F(Edit, HilumsOwnTagsNeedForce) {
  for (const char* own :
       {"phantom", "lesion-split", "evaluation", "rerun:01K", "table:t/r/p/seed0"}) {
    EXPECT_THAT(message_of([&] { add_tags(folder, id, {own}); }), HasSubstr("--force to add"));
    EXPECT_THAT(message_of([&] { remove_tags(folder, id, {own}); }),
                HasSubstr("--force to remove"));
  }
  remove_tags(folder, id, {"phantom"}, true);
  add_tags(folder, id, {"evaluation"}, true);
  EXPECT_THAT(tags(), ElementsAre("evaluation", "mine"));
}

TEST_F(Edit, Notes) {
  EXPECT_EQ(note(), "");
  set_note(folder, id, "first", true);
  set_note(folder, id, "it's the \"second\"", true);
  EXPECT_EQ(note(), "first\nit's the \"second\"");
  set_note(folder, id, "");
  EXPECT_EQ(note(), "");
}

TEST_F(Edit, ARunThatIsGoneIsSaid) {
  remove(folder, {id});
  EXPECT_THAT(message_of([&] { add_tags(folder, id, {"x"}); }), HasSubstr("not there any more"));
  EXPECT_THAT(message_of([&] { set_note(folder, id, "x"); }), HasSubstr("not there any more"));
}

}  // namespace
}  // namespace hilum::runs
