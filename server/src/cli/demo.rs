//! `pillion demo`: the main job, with no editor and no key.
