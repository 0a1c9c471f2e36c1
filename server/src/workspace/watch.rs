//! File events. The only place that names `notify`.
