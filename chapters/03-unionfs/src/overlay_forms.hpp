#pragma once
/// \file
/// The two ways to have the kernel mount an overlay, a file each: mount(2) with all options in one
/// string, and fsopen(2) with an option a call. All of it is safe in a child.

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/unique_fd.hpp"
#include "minidocker/unionfs/overlay.hpp"

namespace minidocker::unionfs {

/// Throws what overlay_options() throws.
void check_layers(const OverlayLayers& layers);

/// overlay_classic.cpp: OverlayForm::absolute and relative.
sys::Result<> mount_classic(const char* target, const char* options) noexcept;

/// What make_overlay() is told. Borrowed strings.
struct OverlayStrings {
  const char* const* lowers;  ///< null-terminated, the topmost first
  const char* upper;          ///< null: read-only
  const char* work;           ///< null: read-only
  UpperSync sync;             ///< volatile or not
};
/// overlay_appended.cpp: OverlayForm::appended, mounted nowhere yet.
sys::Result<UniqueFd> make_overlay(const OverlayStrings& strings) noexcept;

}  // namespace minidocker::unionfs
