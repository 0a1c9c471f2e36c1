//! `pillion parse`: the matcher engine on captured output.
