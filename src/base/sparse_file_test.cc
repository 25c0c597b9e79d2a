// SPDX-License-Identifier: Apache-2.0
#include "base/sparse_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "base/file.h"
#include "base/sys.h"

namespace msb::base {
namespace {

constexpr off_t kSize = 64 << 20;
constexpr off_t kAt = 33 << 20;

void fill(int file) {
  ASSERT_TRUE(sys::ftruncate(file, kSize).has_value());
  const std::string text(300'000, 'x');
  ASSERT_EQ(::pwrite(file, text.data(), text.size(), kAt), static_cast<ssize_t>(text.size()));
}

// Into a file of a file system with holes.
void expect_copy_of(int from) {
  const auto folder = TempDir::create();
  const auto to = sys::open(folder->path() + "/to", O_RDWR | O_CREAT, 0600);
  fill(from);
  const auto copied = copy_sparse_file(from, to->get());
  ASSERT_TRUE(copied.has_value()) << copied.error().message();
  const auto status = sys::fstat(to->get());
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->st_size, kSize);
  EXPECT_LT(status->st_blocks * 512, 2 << 20);
  std::string text(300'002, '\0');
  ASSERT_EQ(::pread(to->get(), text.data(), text.size(), kAt - 1),
            static_cast<ssize_t>(text.size()));
  EXPECT_EQ(text, std::string(1, '\0') + std::string(300'000, 'x') + std::string(1, '\0'));
}

TEST(SparseFile, IsCopiedWithItsHoles) {
  const auto folder = TempDir::create();
  expect_copy_of(sys::open(folder->path() + "/from", O_RDWR | O_CREAT, 0600)->get());
}

TEST(SparseFile, IsCopiedFromMemory) {
  expect_copy_of(sys::memfd_create("test", MFD_CLOEXEC)->get());
}

TEST(SparseFile, WithoutDataIsAHole) {
  const auto folder = TempDir::create();
  const auto from = sys::memfd_create("test", MFD_CLOEXEC);
  const auto to = sys::open(folder->path() + "/to", O_RDWR | O_CREAT, 0600);
  ASSERT_TRUE(copy_sparse_file(from->get(), to->get()).has_value());
  EXPECT_EQ(sys::fstat(to->get())->st_size, 0);
}

TEST(SparseFile, ThatEndsEarlyIsAnError) {
  const auto folder = TempDir::create();
  const auto from = sys::open(folder->path() + "/from", O_RDWR | O_CREAT, 0600);
  const auto to = sys::open(folder->path() + "/to", O_RDWR | O_CREAT, 0600);
  const auto copied = copy_range(from->get(), 0, to->get(), 0, 10);
  ASSERT_FALSE(copied.has_value());
  EXPECT_TRUE(copied.error().is(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace msb::base
