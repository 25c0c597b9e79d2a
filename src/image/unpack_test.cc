// SPDX-License-Identifier: Apache-2.0
//
// What msb-unpack makes of an archive: through the store, as everything reaches it.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "image/testing/image_builder.h"
#include "image/testing/store_fixture.h"
#include "image/unpack/protocol.h"

namespace msb::image {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TarBuilder;
using testing::TarEntry;

class Unpack : public testing::StoreFixture {
 protected:
  // The root that a tar unpacks to.
  std::string unpack(const std::string& tar) {
    const auto image = import_one(write("rootfs.tar", tar));
    EXPECT_TRUE(image) << image.error().message();
    return image ? image->layer_paths.at(0) : "/nonexistent";
  }

  std::string refusal(const std::string& tar) {
    const auto image = import_one(write("rootfs.tar", tar));
    EXPECT_FALSE(image);
    EXPECT_TRUE(store_->list()->empty());
    EXPECT_TRUE(std::filesystem::is_empty(home() + "/tmp"));
    EXPECT_TRUE(std::filesystem::is_empty(home() + "/layers/sha256"));
    return image ? "" : image.error().message();
  }

  static struct stat stat_of(const std::string& file) {
    struct stat status{};
    EXPECT_EQ(::lstat(file.c_str(), &status), 0) << file;
    return status;
  }

  static bool exists(const std::string& file) { return ::access(file.c_str(), F_OK) == 0; }

  static bool is_whiteout(const std::string& file) {
    const struct stat status = stat_of(file);
    return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0);
  }

  static bool is_opaque(const std::string& folder) {
    char value[2] = {};
    return ::lgetxattr(folder.c_str(), "user.overlay.opaque", value, sizeof value) == 1 &&
           value[0] == 'y';
  }

  static std::uint32_t on_disk(std::uint32_t id) {
    return ::geteuid() == 0 ? unpack::kStoreIdBase + id : ::geteuid();
  }
};

TEST_F(Unpack, KeepsContentModesOwnersAndTimes) {
  TarEntry file;
  file.name = "usr/bin/tool";
  file.content = "body";
  file.mode = 04755;
  file.uid = 1000;
  file.gid = 100;
  file.mtime = 1'111'111'111;
  TarEntry late;
  late.name = "usr/bin";
  late.type = '5';
  late.mode = 0700;
  late.mtime = 1'222'222'222;
  const std::string root = unpack(TarBuilder().add(file).add(late).file("usr/bin/b", "").build());
  const struct stat tool = stat_of(root + "/usr/bin/tool");
  EXPECT_EQ(read(root + "/usr/bin/tool"), "body");
  EXPECT_EQ(tool.st_mode & 07777, 04755u);
  EXPECT_EQ(tool.st_uid, on_disk(1000));
  EXPECT_EQ(tool.st_gid, on_disk(100));
  EXPECT_EQ(tool.st_mtime, 1'111'111'111);
  const struct stat bin = stat_of(root + "/usr/bin");
  EXPECT_EQ(bin.st_mode & 07777, 0700u);
  EXPECT_EQ(bin.st_mtime, 1'222'222'222);
  EXPECT_EQ(stat_of(root).st_uid, on_disk(0));
}

TEST_F(Unpack, OwnersBeyondASandboxesIdsBecomeNobody) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "without root a store may have a single id";
  }
  TarEntry file;
  file.name = "a";
  file.uid = 1'000'000;
  EXPECT_EQ(stat_of(unpack(TarBuilder().add(file).build()) + "/a").st_uid, on_disk(65534));
}

TEST_F(Unpack, WritesAsAnIdentityWithoutRights) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "the user's own identity is all there is";
  }
  const std::string root = unpack(TarBuilder().file("a", "x").build());
  EXPECT_EQ(stat_of(root + "/a").st_uid, 0x70000000u);
}

TEST_F(Unpack, TurnsWhiteoutsIntoOverlayfsForm) {
  const std::string root = unpack(TarBuilder()
                                      .folder("etc/")
                                      .whiteout("etc/", "gone")
                                      .folder("var/")
                                      .file("var/.wh..wh..opq", "")
                                      .file("var/new", "n")
                                      .file("opt/.wh..wh..opq", "")
                                      .file(".wh..wh.plnk/4711", "")
                                      .build());
  EXPECT_TRUE(is_whiteout(root + "/etc/gone"));
  EXPECT_FALSE(exists(root + "/etc/.wh.gone"));
  EXPECT_TRUE(is_opaque(root + "/var"));
  EXPECT_FALSE(exists(root + "/var/.wh..wh..opq"));
  EXPECT_EQ(read(root + "/var/new"), "n");
  EXPECT_TRUE(is_opaque(root + "/opt")) << "a folder that is named by its marker only";
}

TEST_F(Unpack, AWhiteoutAndItsReplacementInOneLayer) {
  const std::string root = unpack(TarBuilder()
                                      .whiteout("", "a")
                                      .file("a", "new")
                                      .whiteout("", "d")
                                      .folder("d/")
                                      .file("d/x", "")
                                      .folder("e/")
                                      .whiteout("", "e")
                                      .file("f", "stays")
                                      .whiteout("", "f")
                                      .build());
  EXPECT_EQ(read(root + "/a"), "new");
  EXPECT_TRUE(is_opaque(root + "/d")) << "what the lower layers had in it is gone";
  EXPECT_TRUE(is_opaque(root + "/e"));
  EXPECT_EQ(read(root + "/f"), "stays");
}

TEST_F(Unpack, TheLaterOfTwoEntriesStays) {
  const std::string root = unpack(TarBuilder()
                                      .file("a", "first")
                                      .file("a", "second")
                                      .folder("b/")
                                      .file("b/c", "c")
                                      .file("b", "file now")
                                      .symlink("d", "a")
                                      .folder("d/")
                                      .file("d/e", "e")
                                      .file("f", "f")
                                      .file("f/g", "g")
                                      .folder("h/")
                                      .file("h/i", "i")
                                      .folder("h/", 0500)
                                      .build());
  EXPECT_EQ(read(root + "/a"), "second");
  EXPECT_EQ(read(root + "/b"), "file now");
  EXPECT_EQ(read(root + "/d/e"), "e");
  EXPECT_EQ(read(root + "/f/g"), "g");
  EXPECT_EQ(read(root + "/h/i"), "i") << "a folder named again keeps what is in it";
  EXPECT_EQ(stat_of(root + "/h").st_mode & 07777, 0500u);
}

TEST_F(Unpack, AReplacedFolderIsNotWrittenToAnyMore) {
  const std::string root = unpack(
      TarBuilder().folder("a/").file("a/1", "old").file("a", "x").file("a/2", "new").build());
  EXPECT_EQ(read(root + "/a/2"), "new");
  EXPECT_FALSE(exists(root + "/a/1"));
}

TEST_F(Unpack, LinksStayWithinTheLayer) {
  const std::string root = unpack(TarBuilder()
                                      .file("a", "body")
                                      .hard_link("b", "a")
                                      .hard_link("c", "/a")
                                      .hard_link("a", "a")
                                      .symlink("passwd", "/etc/passwd")
                                      .hard_link("p", "passwd")
                                      .build());
  EXPECT_EQ(stat_of(root + "/a").st_ino, stat_of(root + "/b").st_ino);
  EXPECT_EQ(stat_of(root + "/a").st_nlink, 3u);
  EXPECT_TRUE(S_ISLNK(stat_of(root + "/p").st_mode)) << "a link to a link, not to what it names";
}

TEST_F(Unpack, SymlinksInPathsLeadNowhereOutside) {
  const std::string outside = path("outside");
  std::filesystem::create_directory(outside);
  std::filesystem::permissions(outside, std::filesystem::perms::all);
  const std::string root = unpack(TarBuilder()
                                      .symlink("out", outside)
                                      .file("out/planted", "x")
                                      .symlink("up", "../../../../../../../../" + outside)
                                      .file("up/planted", "x")
                                      .symlink("one", "two")
                                      .symlink("two", "/..")
                                      .file("one/three", "in the root")
                                      .build());
  EXPECT_TRUE(std::filesystem::is_empty(outside));
  EXPECT_EQ(read(root + "/out/planted"), "x");
  EXPECT_EQ(read(root + "/three"), "in the root");
}

TEST_F(Unpack, AbsoluteNamesAreTakenBeneathTheRoot) {
  const std::string root = unpack(TarBuilder().file("/abs", "x").file(".//./rel", "y").build());
  EXPECT_EQ(read(root + "/abs"), "x");
  EXPECT_EQ(read(root + "/rel"), "y");
}

TEST_F(Unpack, DeviceNodesAreLeftOut) {
  TarEntry device;
  device.name = "dev/sda";
  device.type = '4';
  TarEntry whiteout;
  whiteout.name = "dev/null0";
  whiteout.type = '3';
  TarEntry fifo;
  fifo.name = "run/pipe";
  fifo.type = '6';
  fifo.mode = 0620;
  const std::string root =
      unpack(TarBuilder().add(device).add(whiteout).add(fifo).file("a", "").build());
  EXPECT_FALSE(exists(root + "/dev/sda"));
  EXPECT_FALSE(exists(root + "/dev/null0"));
  EXPECT_TRUE(S_ISFIFO(stat_of(root + "/run/pipe").st_mode));
  EXPECT_EQ(stat_of(root + "/run/pipe").st_mode & 07777, 0620u);
}

TEST_F(Unpack, KeepsUserXattrsAndNoOthers) {
  TarEntry file;
  file.name = "a";
  file.pax = {{"SCHILY.xattr.user.note", "hello"},
              {"SCHILY.xattr.user.overlay.redirect", "/etc"},
              {"SCHILY.xattr.security.capability", "x"},
              {"SCHILY.xattr.trusted.overlay.opaque", "y"}};
  const std::string root = unpack(TarBuilder().add(file).build());
  char list[512] = {};
  const ssize_t size = ::llistxattr((root + "/a").c_str(), list, sizeof list);
  EXPECT_EQ(std::string(list, static_cast<std::size_t>(std::max<ssize_t>(size, 0))),
            std::string("user.note") + '\0');
}

TEST_F(Unpack, LongAndForeignNames) {
  const std::string long_name = std::string(200, 'a') + "/" + std::string(200, 'b');
  TarEntry pax;
  pax.name = "short";
  pax.content = "long";
  pax.pax = {{"path", long_name}};
  TarEntry utf8;
  utf8.name = "u";
  utf8.pax = {{"path", "gr\xc3\xbc\xc3\x9f"}};
  const std::string root =
      unpack(TarBuilder().add(pax).add(utf8).file("latin\xfc", "1").file("new\nline", "2").build());
  EXPECT_EQ(read(root + "/" + long_name), "long");
  EXPECT_TRUE(exists(root + "/gr\xc3\xbc\xc3\x9f"));
  EXPECT_EQ(read(root + "/latin\xfc"), "1");
  EXPECT_EQ(read(root + "/new\nline"), "2");
}

TEST_F(Unpack, ReadOnlyFoldersOfOthersAreFilled) {
  TarEntry folder;
  folder.name = "closed/";
  folder.type = '5';
  folder.mode = 0555;
  folder.uid = 33;
  const std::string root = unpack(TarBuilder().add(folder).file("closed/in", "x").build());
  EXPECT_EQ(read(root + "/closed/in"), "x");
}

TEST_F(Unpack, SparseFilesHaveTheirHoles) {
  TarEntry sparse;
  sparse.name = "GNUSparseFile.0/disk";
  sparse.content = "abcd";
  sparse.pax = {{"GNU.sparse.major", "0"},
                {"GNU.sparse.minor", "1"},
                {"GNU.sparse.name", "disk"},
                {"GNU.sparse.size", "10000000"},
                {"GNU.sparse.map", "5000000,4"}};
  const std::string root = unpack(TarBuilder().add(sparse).build());
  const struct stat disk = stat_of(root + "/disk");
  EXPECT_EQ(disk.st_size, 10'000'000);
  EXPECT_LT(disk.st_blocks * 512, 1'000'000);
  EXPECT_EQ(read(root + "/disk").substr(5'000'000, 4), "abcd");
}

TEST_F(Unpack, PathsThatLeadOutAreRefused) {
  EXPECT_THAT(refusal(TarBuilder().file("../evil", "x").build()),
              AllOf(HasSubstr("'../evil'"), HasSubstr("leads out of the layer")));
  EXPECT_THAT(refusal(TarBuilder().file("a/../../evil", "x").build()),
              HasSubstr("leads out of the layer"));
  EXPECT_THAT(refusal(TarBuilder().hard_link("a", "../../etc/shadow").build()),
              HasSubstr("leads out of the layer"));
  EXPECT_THAT(refusal(TarBuilder().whiteout("", ".").build()), HasSubstr("whiteout of no file"));
}

TEST_F(Unpack, HardLinksToWhatIsNotInTheLayerAreRefused) {
  EXPECT_THAT(refusal(TarBuilder().hard_link("shadow", "/etc/shadow").build()),
              AllOf(HasSubstr("'etc/shadow'"), HasSubstr("not in this layer")));
  EXPECT_THAT(refusal(TarBuilder().symlink("etc", "/etc").hard_link("s", "etc/shadow").build()),
              HasSubstr("not in this layer"));
  EXPECT_THAT(refusal(TarBuilder().folder("d/").hard_link("e", "d").build()),
              HasSubstr("is a folder"));
}

TEST_F(Unpack, WhatNoFileSystemCanHoldIsRefused) {
  std::string deep;
  for (int i = 0; i < 300; ++i) {
    deep += "d/";
  }
  TarEntry too_deep;
  too_deep.name = "x";
  too_deep.pax = {{"path", deep + "f"}};
  EXPECT_THAT(refusal(TarBuilder().add(too_deep).build()), HasSubstr("256 folders deep"));
  TarEntry too_long;
  too_long.name = "x";
  too_long.pax = {{"path", std::string(300, 'n')}};
  EXPECT_THAT(refusal(TarBuilder().add(too_long).build()), HasSubstr("longer than 255 bytes"));
  EXPECT_THAT(refusal(TarBuilder().file(".", "x").build()), HasSubstr("root is not a folder"));
}

TEST_F(Unpack, SizesBeyondTheBoundAreRefusedBeforeTheyAreWritten) {
  TarEntry sparse;
  sparse.name = "GNUSparseFile.0/disk";
  sparse.content = "abcd";
  sparse.pax = {{"GNU.sparse.major", "0"},
                {"GNU.sparse.minor", "1"},
                {"GNU.sparse.name", "disk"},
                {"GNU.sparse.size", "1000000000000"},
                {"GNU.sparse.map", "0,4"}};
  EXPECT_THAT(refusal(TarBuilder().add(sparse).build()), HasSubstr("layer is larger than"));
}

TEST_F(Unpack, BrokenArchivesAreRefused) {
  const std::string whole = TarBuilder().file("a", std::string(4096, 'x')).file("b", "y").build();
  EXPECT_FALSE(refusal(whole.substr(0, 2048)).empty());
  EXPECT_FALSE(refusal(testing::packed(whole, testing::Packing::kGzip).substr(0, 60)).empty());
  EXPECT_FALSE(refusal(std::string(4096, '\xff')).empty());
  EXPECT_FALSE(refusal("").empty());
}

TEST_F(Unpack, PackedLayersGiveTheSameTree) {
  for (const auto packing :
       {testing::Packing::kNone, testing::Packing::kGzip, testing::Packing::kZstd}) {
    testing::ImageRecipe recipe;
    recipe.layers = {TarBuilder().file("a", std::string(100'000, 'z')).build()};
    recipe.packing = packing;
    const std::string layout = path("layout" + std::to_string(static_cast<int>(packing)));
    testing::write_layout(testing::build_image(recipe), layout, "packed");
    const auto image = import_one(layout);
    ASSERT_TRUE(image) << image.error().message();
    EXPECT_EQ(read(image->layer_paths[0] + "/a"), std::string(100'000, 'z'));
  }
}

}  // namespace
}  // namespace msb::image
