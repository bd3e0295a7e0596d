"""What an installed monitor starts from: in the wheel, this folder is `pipeline_monitor`."""
