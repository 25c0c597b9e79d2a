// SPDX-License-Identifier: Apache-2.0
#include "image/tar_index.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/sys.h"
#include "image/testing/tar_builder.h"

namespace msb::image {
namespace {

using ::testing::HasSubstr;
using testing::TarBuilder;
using testing::TarEntry;

struct Indexed {
  base::UniqueFd file;
  Result<TarIndex> index;

  std::string content(std::string_view name) const {
    const auto place = index ? index->find(name) : std::nullopt;
    if (!place) {
      return "(none)";
    }
    std::string text(place->size_bytes, '\0');
    static_cast<void>(base::sys::pread(file.get(), std::as_writable_bytes(std::span(text)),
                                       static_cast<off_t>(place->offset_bytes)));
    return text;
  }
};

Indexed index(const std::string& tar) {
  auto file = base::sys::memfd_create("tar", MFD_CLOEXEC);
  EXPECT_TRUE(file && base::write_all(file->get(), tar));
  auto read = TarIndex::read(file->get());
  return {std::move(*file), std::move(read)};
}

TEST(TarIndex, FindsFilesWhereTheyLie) {
  const auto tar = index(
      TarBuilder().file("./a", "one").folder("b/").file("b/c", std::string(700, 'x')).build());
  EXPECT_EQ(tar.content("a"), "one");
  EXPECT_EQ(tar.content("./b//c"), std::string(700, 'x'));
  EXPECT_EQ(tar.content("b"), "(none)");
}

TEST(TarIndex, ReadsLongNamesOfGnuAndPax) {
  const std::string long_name(300, 'n');
  TarEntry gnu;
  gnu.name = "././@LongLink";
  gnu.type = 'L';
  gnu.content = long_name + '\0';
  TarEntry pax;
  pax.name = "short";
  pax.content = "p";
  pax.pax = {{"path", "folder/" + long_name}};
  const auto tar = index(TarBuilder().add(gnu).file("cut", "g").add(pax).file("z", "last").build());
  EXPECT_EQ(tar.content(long_name), "g");
  EXPECT_EQ(tar.content("folder/" + long_name), "p");
  EXPECT_EQ(tar.content("z"), "last");
}

TEST(TarIndex, FollowsLinksWithinTheArchive) {
  const auto tar = index(TarBuilder()
                             .file("x/layer.tar", "body")
                             .symlink("y/layer.tar", "../x/layer.tar")
                             .hard_link("z", "x/layer.tar")
                             .symlink("loop1", "loop2")
                             .symlink("loop2", "loop1")
                             .build());
  EXPECT_EQ(tar.content("y/layer.tar"), "body");
  EXPECT_EQ(tar.content("z"), "body");
  EXPECT_EQ(tar.content("loop1"), "(none)");
}

TEST(TarIndex, RefusesWhatIsBroken) {
  const auto error = [](const std::string& bytes) {
    const auto tar = index(bytes);
    return tar.index ? "no error" : tar.index.error().message();
  };
  EXPECT_THAT(error(""), HasSubstr("not a tar"));
  EXPECT_THAT(error(std::string(1024, 'x')), HasSubstr("not a tar"));
  TarEntry liar;
  liar.name = "a";
  liar.claimed_size = 1'000'000;
  EXPECT_THAT(error(TarBuilder().add(liar).build()), HasSubstr("cut short"));
  TarEntry pax;
  pax.name = "p";
  pax.type = 'x';
  pax.content = "999 path=a\n";
  EXPECT_THAT(error(TarBuilder().add(pax).build()), HasSubstr("malformed PAX"));
  pax.content = std::string(70'000, ' ');
  EXPECT_THAT(error(TarBuilder().add(pax).build()), HasSubstr("64 KiB"));
  EXPECT_THAT(error(TarBuilder().file("a", "b").raw(std::string(512, 'q')).build()),
              HasSubstr("broken header"));
}

TEST(TarIndex, StopsAtMoreFilesThanAnImageHas) {
  TarBuilder tar;
  for (std::size_t i = 0; i < TarIndex::kMaxFiles + 10; ++i) {
    tar.file("f" + std::to_string(i), "");
  }
  const auto indexed = index(tar.build());
  ASSERT_TRUE(indexed.index);
  EXPECT_TRUE(indexed.index->contains("f0"));
  EXPECT_FALSE(indexed.index->contains("f" + std::to_string(TarIndex::kMaxFiles + 5)));
}

}  // namespace
}  // namespace msb::image
