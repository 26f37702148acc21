#!/bin/sh
# Makes the RPM of the staged tree: build.sh SPEC STAGED.tar VERSION TIME OUTPUT-DIRECTORY. Called by "mvn package".
# Two calls give the same bytes: the times are TIME, and the name of the building host is left out.
set -eu

spec=$1
staged=$2
version=$3
output=$5
SOURCE_DATE_EPOCH=$(date -d "$4" +%s)
export SOURCE_DATE_EPOCH

rpmbuild -bb --quiet --nodeps \
  --define "_topdir $output/rpmbuild" --define "_rpmdir $output" --define '_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm' \
  --define "product_version $version" --define "staged $staged" \
  --define '_buildhost reproducible' --define 'use_source_date_epoch_as_buildtime 1' --define 'clamp_mtime_to_source_date_epoch 1' \
  --define '__os_install_post %{nil}' --define '_build_id_links none' --define 'debug_package %{nil}' \
  "$spec"
rm -rf "$output/rpmbuild"
