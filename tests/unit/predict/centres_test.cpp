// SPDX-License-Identifier: Apache-2.0
#include "core/predict/centres.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/parts/kit.hpp"

namespace hilum::predict {
namespace {
using kit::error_of;
using ::testing::HasSubstr;

TEST(Centres, ReadsBothKindsOfColumnsAndRas) {
  const kit::Folder folder;
  const auto plain = folder.write("a.csv", "id,x,y,z,diameter_mm\na,1,-2,3.5,\nb,0,0,0,8\n");
  const auto luna = folder.write("b.csv", "seriesuid,coordX,coordY,coordZ\n1.2,1,-2,3.5\n");
  const auto a = read_centres(plain, false), ras = read_centres(plain, true);
  ASSERT_EQ(a.size(), 2u);
  EXPECT_EQ(a[0].centre, (World{1, -2, 3.5}));
  EXPECT_EQ(ras[0].centre, (World{-1, 2, 3.5}));
  EXPECT_FALSE(a[0].diameter);
  EXPECT_EQ(a[1].diameter, 8);
  const auto b = read_centres(luna, false);
  EXPECT_EQ(b.at(0).centre, a[0].centre);
  EXPECT_EQ(b[0].image, "1.2");
}

TEST(Centres, BoxesHaveAMiddleAndAnExtent) {
  const kit::Folder folder;
  const auto file = folder.write("a.csv", "x0,y0,z0,x1,y1,z1\n10,0,-4,2,4,0\n");
  const auto box = read_boxes(file, false).at(0);
  EXPECT_EQ(box.centre, (World{6, 2, -2}));
  EXPECT_EQ(box.extent, (World{8, 4, 4}));
  const auto flat = folder.write("b.csv", "x0,y0,z0,x1,y1,z1\n10,0,-4,2,4,-4\n");
  EXPECT_THAT(error_of([&] { read_boxes(flat, false); }).what(), HasSubstr("b.csv:2: the box"));
}

TEST(Centres, WhatIsWrongIsSaidWithItsRow) {
  const kit::Folder folder;
  const auto wrong = [&](const std::string& text) {
    const auto file = folder.write("c.csv", text);
    const auto error = error_of([&] { read_centres(file, false); });
    EXPECT_EQ(error.fault, Fault::data);
    return std::string(error.what());
  };
  EXPECT_THAT(wrong("x,y,zz\n1,2,3\n"), HasSubstr("c.csv:1: no column 'z'."));
  EXPECT_THAT(wrong("coordX,coordY,coordz\n1,2,3\n"), HasSubstr("Did you mean 'coordz'?"));
  EXPECT_THAT(wrong("x,y,z\n1,2,3\n1,nan,3\n"), HasSubstr("c.csv:3: column 'y': value 'nan'"));
  EXPECT_THAT(wrong("x,y,z\n1,,3\n"), HasSubstr("c.csv:2: column 'y': value ''"));
  EXPECT_THAT(wrong("x,y,z,diameter_mm\n1,2,3,0\n"), HasSubstr("'diameter_mm': value '0'"));
  EXPECT_THAT(wrong("x,y,z\n"), HasSubstr("has no rows"));
}

TEST(Centres, RowsGoToTheirImage) {
  const kit::Folder folder;
  const auto file = folder.write("d.csv", "image,x,y,z\ns1,1,2,3\ns2.nii,4,5,6\ns1,7,8,9\n");
  const auto all = read_centres(file, false);
  const auto s1 = places_of(all, {"s1", "s1.nii"}, false, file);
  ASSERT_EQ(s1.size(), 2u);
  EXPECT_EQ(s1[1].id, "2");
  EXPECT_EQ(s1[1].centre[0], 7);
  EXPECT_EQ(places_of(all, {"s2", "s2.nii"}, false, file).size(), 1u);
  EXPECT_THAT(error_of([&] { places_of(all, {"s3"}, true, file); }).what(),
              HasSubstr("no row belongs to the image 's3'"));
  const auto bare = folder.write("e.csv", "id,x,y,z\na,1,2,3\na,4,5,6\n");
  const auto rows = read_centres(bare, false);
  EXPECT_THAT(error_of([&] { places_of(rows, {"s1"}, true, bare); }).what(),
              HasSubstr("e.csv:3: id 'a' stands there twice"));
  EXPECT_THAT(error_of([&] { places_of(rows, {"s1"}, false, bare); }).what(),
              HasSubstr("need a column 'image'"));
}

TEST(Centres, OutsideIsAnErrorWithMillimetresAndBounds) {
  data::Geometry g{.size = {4, 10, 20}, .spacing = {2, 1, 0.5}, .origin = {100, 0, 0}};
  Place in{.id = "in", .centre = {109.7, 9.4, 6.9}}, out{.id = "out", .centre = {99, 0, 0}};
  EXPECT_NO_THROW(require_inside({in}, g, "scan"));
  const auto error = error_of([&] { require_inside({in, out}, g, "scan"); });
  EXPECT_EQ(error.fault, Fault::data);
  EXPECT_THAT(error.what(), HasSubstr("nodule 'out' at (99, 0, 0) mm lies outside"));
  EXPECT_THAT(error.what(), HasSubstr("x 99.75 to 109.75, y -0.5 to 9.5, z -1 to 7 mm"));
}
}  // namespace
}  // namespace hilum::predict
