// SPDX-License-Identifier: Apache-2.0
//
// Hostile archives through the public door. Each layer comes in every carrier there is: a tar of a
// root file system, what `docker save` writes, an OCI layout. What is refused is refused with the
// entry and the rule, and leaves nothing; what is harmless stays within its layer.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <vector>

#include "attacked_store.h"

namespace msb::security {
namespace {

using image::testing::ImageRecipe;
using image::testing::Packing;
using image::testing::TarBuilder;
using image::testing::TarEntry;
using ::testing::AllOf;
using ::testing::HasSubstr;

TarEntry named(const std::string& name, char type = '0', const std::string& link = "") {
  TarEntry entry;
  entry.name = name;
  entry.type = type;
  entry.link = link;
  return entry;
}

TarEntry with_path(const std::string& path) {
  TarEntry entry = named("short");
  entry.pax = {{"path", path}};
  return entry;
}

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) {
    result += text;
  }
  return result;
}

struct HostileLayer {
  std::string name;
  std::string tar;
  std::string entry;  // that the refusal names
  std::string rule;   // that it gives
};

std::vector<HostileLayer> attacks() {
  TarEntry endless = named("endless");
  endless.claimed_size = 0777'7777'7777;
  TarEntry sparse = named("GNUSparseFile.0/giant");
  sparse.content = "abcd";
  sparse.pax = {{"GNU.sparse.major", "0"},
                {"GNU.sparse.minor", "1"},
                {"GNU.sparse.name", "giant"},
                {"GNU.sparse.size", "9000000000000000000"},
                {"GNU.sparse.map", "0,4"}};
  std::string broken = TarBuilder().file("a", "x").file("b", "y").build();
  broken[1024 + 148] = '9';  // of the second header's checksum
  return {
      {"Traversal", TarBuilder().file("../evil", "x").build(), "../evil", "leads out of"},
      {"TraversalInside", TarBuilder().folder("a/").file("a/b/../../../evil", "x").build(),
       "a/b/../../../evil", "leads out of"},
      {"AbsoluteTraversal", TarBuilder().file("/../../evil", "x").build(), "/../../evil",
       "leads out of"},
      {"TraversalInAnExtendedHeader", TarBuilder().add(with_path("x/../../evil")).build(),
       "x/../../evil", "leads out of"},
      {"TraversalOfAFolder", TarBuilder().folder("..").build(), "..", "leads out of"},
      {"TraversalOfALink", TarBuilder().symlink("../evil", "x").build(), "../evil", "leads out of"},
      {"HardLinkOut", TarBuilder().hard_link("shadow", "../../etc/shadow").build(),
       "../../etc/shadow", "leads out of"},
      {"HardLinkToTheHost", TarBuilder().hard_link("shadow", "/etc/shadow").build(), "etc/shadow",
       "not in this layer"},
      {"HardLinkThroughALink",
       TarBuilder().symlink("etc", "/etc").hard_link("shadow", "etc/shadow").build(), "etc/shadow",
       "not in this layer"},
      {"HardLinkThroughAChain",
       TarBuilder()
           .symlink("one", "two")
           .symlink("two", "../../../../etc")
           .hard_link("shadow", "one/shadow")
           .build(),
       "one/shadow", "not in this layer"},
      {"HardLinkToAFolder", TarBuilder().folder("d/").hard_link("e", "d").build(), "'d'",
       "is a folder"},
      {"HardLinkToTheRoot", TarBuilder().hard_link("e", "/").build(), "'e'", "is a folder"},
      {"HardLinkToAWhiteout", TarBuilder().whiteout("", "gone").hard_link("e", "gone").build(),
       "'gone'", "not in this layer"},
      {"HardLinkToALaterFile", TarBuilder().hard_link("e", "late").file("late", "x").build(),
       "'late'", "not in this layer"},
      {"WhiteoutOfDot", TarBuilder().file(".wh..", "").build(), ".wh..", "whiteout of no file"},
      {"WhiteoutOfDotDot", TarBuilder().file("a/.wh...", "").build(), "a/.wh...",
       "whiteout of no file"},
      {"WhiteoutOfNothing", TarBuilder().file(".wh.", "").build(), ".wh.", "whiteout of no file"},
      {"OpaqueOutside", TarBuilder().file("../.wh..wh..opq", "").build(), "../.wh..wh..opq",
       "leads out of"},
      {"RootIsAFile", TarBuilder().file(".", "x").build(), "root", "is not a folder"},
      {"RootIsALink", TarBuilder().add(named(".", '2', "/etc")).build(), "root", "is not a folder"},
      {"LinkToNothing", TarBuilder().add(named("e", '2', "")).build(), "'e'",
       "symbolic link to nothing"},
      {"PathTooDeep", TarBuilder().add(with_path(repeated("d/", 300) + "f")).build(), "d/d/d/",
       "256 folders deep"},
      {"NameTooLong", TarBuilder().add(with_path(std::string(300, 'n'))).build(), "nnnn",
       "longer than 255 bytes"},
      {"PathTooLong", TarBuilder().add(with_path(repeated("abcdefghi/", 420) + "f")).build(),
       "abcdefghi/", "longer than 4096 bytes"},
      {"GiantFile", TarBuilder().add(endless).build(), "", ""},
      {"GiantSparseFile", TarBuilder().add(sparse).build(), "'giant'", "larger than"},
      {"BrokenHeader", broken, "", ""},
      {"CutShort", TarBuilder().file("a", std::string(4096, 'x')).build().substr(0, 2048), "", ""},
  };
}

class Layers : public AttackedStore, public testing::WithParamInterface<HostileLayer> {};
INSTANTIATE_TEST_SUITE_P(HostileImages, Layers, testing::ValuesIn(attacks()),
                         [](const auto& attack) { return attack.param.name; });

TEST_P(Layers, AreRefusedInEveryCarrier) {
  const HostileLayer& attack = GetParam();
  const auto reason = AllOf(HasSubstr(attack.entry), HasSubstr(attack.rule));
  ImageRecipe recipe;
  // A layer that is well stands below: of it nothing may stay either.
  recipe.layers = {TarBuilder().file("etc/name", "good").build(), attack.tar};
  EXPECT_THAT(refused(attack.tar), reason);
  recipe.packing = Packing::kGzip;
  EXPECT_THAT(refused(docker_tar(recipe, {"evil"})), reason);
  recipe.packing = Packing::kZstd;
  EXPECT_THAT(refused(layout_tar(build_image(recipe), "evil")), reason);
}

class Archives : public AttackedStore {
 protected:
  // The imported layer's root.
  std::string accepted(const std::string& tar) {
    const auto images = store_.import(write("archive", tar), "odd");
    EXPECT_TRUE(images) << images.error().message();
    for (const auto& layer : std::filesystem::directory_iterator(home() + "/layers/sha256")) {
      return layer.path().string() + "/root";
    }
    return "/nonexistent";
  }
};

TEST_F(Archives, LinksOfEveryKindStayWithinTheLayer) {
  const std::string out = path("outside");
  TarBuilder tar;
  tar.symlink("out", out).file("out/planted", "x");
  tar.symlink("up", "../../../../../../../../.." + out).file("up/canary", "overwritten");
  tar.symlink("victim", out + "/canary").file("victim", "overwritten");
  tar.symlink("link", out).whiteout("link/", "canary").file("link/.wh..wh..opq", "");
  tar.symlink("mode", out).folder("mode/", 0);
  tar.symlink("hard", out + "/canary").hard_link("hard2", "hard").file("hard2", "overwritten");
  // A chain longer than the kernel follows, and one that bites its tail.
  for (int i = 0; i < 60; ++i) {
    tar.symlink("l" + std::to_string(i), "l" + std::to_string(i + 1));
  }
  tar.symlink("l60", out).file("l0/planted", "x");
  tar.symlink("head", "tail").symlink("tail", "head").file("head/inside", "x");
  tar.symlink("proc", "/proc/self/root").file("proc" + out + "/planted", "x");
  const std::string root = accepted(tar.build());
  EXPECT_EQ(read(root + "/head/inside"), "x");
}

TEST_F(Archives, NamesThatMeanSomethingToATerminalAreQuoted) {
  EXPECT_THAT(refused(TarBuilder().file("../\x1b[2J\x07\n", "x").build()),
              HasSubstr("'../\\x1b[2J\\x07\\x0a'"));
}

TEST_F(Archives, DevicesAreLeftOutAndSetuidStaysWithoutPower) {
  TarEntry setuid = named("su");
  setuid.mode = 06755;
  const std::string root =
      accepted(TarBuilder().add(named("mem", '3')).add(named("sda", '4')).add(setuid).build());
  EXPECT_EQ(entries_of(root), "su\n");
  struct stat status{};
  ASSERT_EQ(::lstat((root + "/su").c_str(), &status), 0);
  EXPECT_NE(status.st_uid, 0u) << "what it would become by running it on the host";
  // Nobody but the store's owner gets there.
  ASSERT_EQ(::stat(home().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
}

TEST_F(Archives, ManySmallEntriesAreTaken) {
  TarBuilder tar;
  for (int i = 0; i < 20'000; ++i) {
    tar.file("d" + std::to_string(i % 100) + "/f" + std::to_string(i), "");
  }
  EXPECT_EQ(entries_of(accepted(tar.build())).size(), 10u * 3 + 90u * 4);
}

TEST_F(Archives, DecompressionBombsEndEarly) {
  for (const Packing packing : {Packing::kGzip, Packing::kZstd}) {
    const std::string zeros = bomb(packing);
    const std::string type =
        std::string(image::media_type::kOciLayer) + (packing == Packing::kGzip ? "+gzip" : "+zstd");
    EXPECT_THAT(refused(layout_tar(image_of(zeros, type, kSomeDigest), "evil")),
                HasSubstr("a decompression bomb"));
    // The whole archive as the bomb.
    EXPECT_THAT(refused(zeros), HasSubstr("a decompression bomb"));
  }
}

TEST_F(Archives, DigestsThatLie) {
  ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", "x").build()};
  recipe.edit_config = [](image::json::Value& config) {
    config["rootfs"]["diff_ids"][0] = kSomeDigest;
  };
  EXPECT_THAT(refused(docker_tar(recipe, {"evil"})), HasSubstr("the image promises sha256:0123"));
  EXPECT_THAT(refused(layout_tar(build_image(recipe), "evil")),
              HasSubstr("the image promises sha256:0123"));
  recipe.edit_config = nullptr;
  auto image = build_image(recipe);
  for (auto& [digest, content] : image.blobs) {
    if (content == image.config) {
      content += " ";
    }
  }
  EXPECT_THAT(refused(layout_tar(image, "evil")), HasSubstr("is not what its name says"));
}

TEST_F(Archives, DigestsThatAreNoDigests) {
  for (const char* digest :
       {"sha256:../../../../etc/passwd", "sha256:", "md5:00", "",
        "sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"}) {
    static std::string text;
    text = digest;
    ImageRecipe recipe;
    recipe.layers = {TarBuilder().file("a", "x").build()};
    recipe.edit_manifest = [](image::json::Value& manifest) {
      manifest["config"]["digest"] = text;
    };
    EXPECT_THAT(refused(layout_tar(build_image(recipe), "evil")), HasSubstr("digest")) << digest;
  }
}

// An index of `entries`, as a layout whose index.json lists it.
std::string layout_of(const std::vector<std::string>& documents) {
  namespace json = image::json;
  TarBuilder tar;
  tar.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  const auto index_of = [](const std::string& document) {
    json::Value entry;
    entry["mediaType"] = image::media_type::kOciIndex;
    entry["digest"] = image::Digest::of(document).str();
    entry["size"] = document.size();
    json::Value index;
    index["schemaVersion"] = 2;
    index["manifests"] = json::Value::array({entry});
    return index.dump();
  };
  std::string inner = documents.front();
  for (const std::string& document : documents) {
    tar.file("blobs/sha256/" + image::Digest::of(document).str().substr(7), document);
    inner = document;
  }
  return tar.file("index.json", index_of(inner)).build();
}

TEST_F(Archives, ManifestsInCircles) {
  namespace json = image::json;
  // Each lists the one before it, honestly: only the depth says that it is too much.
  std::vector<std::string> nested = {R"({"schemaVersion":2,"manifests":[]})"};
  for (int i = 0; i < 6; ++i) {
    json::Value entry;
    entry["mediaType"] = image::media_type::kOciIndex;
    entry["digest"] = image::Digest::of(nested.back()).str();
    entry["size"] = nested.back().size();
    json::Value index;
    index["schemaVersion"] = 2;
    index["manifests"] = json::Value::array({entry});
    nested.push_back(index.dump());
  }
  EXPECT_THAT(refused(layout_of(nested)), HasSubstr("indexes nested too deep"));
  EXPECT_THAT(refused(layout_of({nested.front()})), HasSubstr("no platform at all"));
  // One that lists itself can only do so by a lie.
  json::Value entry;
  entry["digest"] = kSomeDigest;
  entry["size"] = 10;
  json::Value index;
  index["schemaVersion"] = 2;
  index["manifests"] = json::Value::array({entry});
  EXPECT_THAT(refused(TarBuilder()
                          .file("oci-layout", "{}")
                          .file("index.json", index.dump())
                          .file(std::string("blobs/sha256/") + (kSomeDigest + 7), index.dump())
                          .build()),
              HasSubstr("is not what its name says"));
}

TEST_F(Archives, ManifestsThatAreTwoThings) {
  const std::string both = R"({"schemaVersion":2,"layers":[],"manifests":[]})";
  EXPECT_THAT(refused(layout_of({both})), HasSubstr("both 'layers' and 'manifests'"));
  ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", "x").build()};
  recipe.edit_manifest = [](image::json::Value& manifest) {
    manifest["mediaType"] = image::media_type::kOciIndex;
  };
  EXPECT_THAT(refused(layout_tar(build_image(recipe), "evil")), HasSubstr("not what its type"));
  recipe.edit_manifest = [](image::json::Value& manifest) {
    manifest["layers"][0]["mediaType"] = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
  };
  EXPECT_THAT(refused(layout_tar(build_image(recipe), "evil")), HasSubstr("can be run"));
}

TEST_F(Archives, AHundredThousandLayers) {
  ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", "x").build()};
  recipe.edit_manifest = [](image::json::Value& manifest) {
    const image::json::Value layer = manifest["layers"][0];
    manifest["layers"] = std::vector<image::json::Value>(10'000, layer);
  };
  EXPECT_THAT(refused(layout_tar(build_image(recipe), "evil")),
              HasSubstr("layers has more than 256 entries"));
  recipe.edit_manifest = [](image::json::Value& manifest) {
    const image::json::Value layer = manifest["layers"][0];
    manifest["layers"] = std::vector<image::json::Value>(100'000, layer);
  };
  EXPECT_THAT(refused(layout_tar(build_image(recipe), "evil")),
              HasSubstr("is longer than 4194304"));
}

TEST_F(Archives, FilesOfTheHostInPlaceOfTheArchives) {
  const std::string layout = path("layout");
  write_layout(image::testing::simple_image("x"), layout, "evil");
  const auto replace_with = [&](const std::string& target) {
    for (const auto& blob : std::filesystem::directory_iterator(layout + "/blobs/sha256")) {
      std::filesystem::remove(blob.path());
      std::filesystem::create_symlink(target, blob.path());
    }
    return refusal(store_.import(layout, "evil"));
  };
  EXPECT_THAT(replace_with("/etc/hostname"), HasSubstr("openat2"));
  EXPECT_THAT(replace_with("../../../outside/canary"), HasSubstr("openat2"));
  EXPECT_THAT(replace_with("/proc/self/environ"), HasSubstr("openat2"));
  for (const auto& blob : std::filesystem::directory_iterator(layout + "/blobs/sha256")) {
    std::filesystem::remove(blob.path());
    ASSERT_EQ(::mkfifo(blob.path().c_str(), 0600), 0);
  }
  EXPECT_THAT(refusal(store_.import(layout, "evil")), HasSubstr("not a regular file"));
  EXPECT_FALSE(store_.import("/dev/zero", "evil"));
  EXPECT_FALSE(store_.import("/proc/self/mem", "evil"));
  const std::string manifest =
      R"([{"Config":"../../../../etc/passwd","RepoTags":["evil"],"Layers":["/etc/shadow"]}])";
  EXPECT_THAT(refused(TarBuilder().file("manifest.json", manifest).build()),
              HasSubstr("the archive has no '../../../../etc/passwd'"));
  EXPECT_THAT(
      refused(TarBuilder()
                  .symlink("config", "/etc/passwd")
                  .file("manifest.json", R"([{"Config":"config","RepoTags":["evil"],"Layers":[]}])")
                  .build()),
      HasSubstr("the archive has no 'config'"));
}

TEST_F(Archives, NamesOfImagesThatAreNoNames) {
  ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", "x").build()};
  for (const char* name : {"../../etc", "a/../../b", "A B", "x@sha256:12", "\x1b[2J", "/abs"}) {
    const auto imported = store_.import(write("archive", docker_tar(recipe, {name})));
    ASSERT_FALSE(imported) << name;
    EXPECT_TRUE(store_.list()->empty());
  }
}

}  // namespace
}  // namespace msb::security
