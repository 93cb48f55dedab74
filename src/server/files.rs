//! The store of file contents.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;

use crate::config::Config;
use crate::problem::StartError;

/// The store of file contents: a folder, or an S3 bucket with the usual `AWS_…` variables.
pub fn files(config: &Config) -> Result<Arc<dyn ObjectStore>, StartError> {
    let folder = |path: &Path| -> Result<Arc<dyn ObjectStore>, StartError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
            format!("cannot create the folder {} (MESA_ATTACHMENTS_URL): {error}", path.display())
        })?;
        Ok(Arc::new(LocalFileSystem::new_with_prefix(path)?.with_fsync(true)))
    };
    match (config.attachments_folder(), config.attachments_url.as_deref()) {
        (Some(path), _) => folder(&path),
        (None, url) => {
            let url = url.unwrap_or_default();
            let wrong = |error: &dyn std::fmt::Display| format!("MESA_ATTACHMENTS_URL: {error}");
            let parsed = url::Url::parse(url).map_err(|error| wrong(&error))?;
            let bucket = object_store::aws::AmazonS3Builder::from_env().with_url(url).build();
            let bucket = bucket.map_err(|error| wrong(&error))?;
            let prefix = object_store::path::Path::from(parsed.path());
            Ok(Arc::new(PrefixStore::new(bucket, prefix)))
        }
    }
}
