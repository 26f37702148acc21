<?xml version="1.0" encoding="UTF-8"?>
<!-- Makes the manual page of a resource agent from its metadata, in the order of those of resource-agents. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="text" encoding="UTF-8"/>
  <xsl:strip-space elements="*"/>
  <xsl:param name="provider" select="'holdfast'"/>
  <xsl:variable name="agent" select="concat('ocf:', $provider, ':', /resource-agent/@name)"/>
  <xsl:variable name="page" select="concat('ocf_', $provider, '_', /resource-agent/@name)"/>

  <xsl:template match="/resource-agent">
    <xsl:value-of select="concat('.TH &quot;', translate($page, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
      '&quot; 7 &quot;&quot; &quot;Holdfast ', @version, '&quot; &quot;OCF resource agents&quot;&#10;')"/>
    <xsl:value-of select="concat('.SH NAME&#10;', $page, ' \- ', normalize-space(shortdesc), '&#10;')"/>
    <xsl:value-of select="concat('.SH SYNOPSIS&#10;.B ', @name, '&#10;')"/>
    <xsl:text>{</xsl:text>
    <xsl:for-each select="actions/action[not(@name = preceding-sibling::action/@name)]">
      <xsl:if test="position() &gt; 1"> | </xsl:if>
      <xsl:value-of select="@name"/>
    </xsl:for-each>
    <xsl:text>}&#10;.SH DESCRIPTION&#10;</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="of" select="longdesc"/></xsl:call-template>
    <xsl:text>.SH SUPPORTED PARAMETERS&#10;</xsl:text>
    <xsl:apply-templates select="parameters/parameter"/>
    <xsl:text>.SH SUPPORTED ACTIONS&#10;With the least time-outs and intervals that are advised:&#10;</xsl:text>
    <xsl:apply-templates select="actions/action"/>
    <xsl:text>.SH EXAMPLE CRM SHELL&#10;.nf&#10;</xsl:text>
    <xsl:value-of select="concat('primitive example ', $agent)"/>
    <xsl:for-each select="parameters/parameter[@required = '1']">
      <xsl:value-of select="concat(' \e&#10;  params ', @name, '=&quot;', @name, '&quot;')"/>
    </xsl:for-each>
    <xsl:for-each select="actions/action[(@name = 'start' or @name = 'stop' or @name = 'monitor') and not(@role)]">
      <xsl:value-of select="concat(' \e&#10;  op ', @name, ' timeout=&quot;', @timeout, '&quot;')"/>
      <xsl:if test="@interval"><xsl:value-of select="concat(' interval=&quot;', @interval, '&quot;')"/></xsl:if>
    </xsl:for-each>
    <xsl:text>&#10;.fi&#10;.SH EXAMPLE PCS&#10;.nf&#10;</xsl:text>
    <xsl:value-of select="concat('pcs resource create example ', $agent)"/>
    <xsl:for-each select="parameters/parameter[@required = '1']">
      <xsl:value-of select="concat(' ', @name, '=&quot;', @name, '&quot;')"/>
    </xsl:for-each>
    <xsl:text> \e&#10; </xsl:text>
    <xsl:for-each select="actions/action[(@name = 'start' or @name = 'stop' or @name = 'monitor') and not(@role)]">
      <xsl:value-of select="concat(' op ', @name, ' timeout=&quot;', @timeout, '&quot;')"/>
      <xsl:if test="@interval"><xsl:value-of select="concat(' interval=&quot;', @interval, '&quot;')"/></xsl:if>
    </xsl:for-each>
    <xsl:text>&#10;.fi&#10;.SH SEE ALSO&#10;.BR holdfast (1),&#10;.BR crm (8),&#10;.BR pcs (8)&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="parameter">
    <xsl:value-of select="concat('.TP&#10;.B ', @name, '&#10;')"/>
    <xsl:call-template name="text"><xsl:with-param name="of" select="longdesc"/></xsl:call-template>
    <xsl:text>.IP&#10;(</xsl:text>
    <xsl:choose>
      <xsl:when test="@required = '1'">required</xsl:when>
      <xsl:otherwise>optional</xsl:otherwise>
    </xsl:choose>
    <xsl:if test="@unique-group">, unique</xsl:if>
    <xsl:if test="@reloadable = '1'">, changes without a restart</xsl:if>
    <xsl:value-of select="concat(', ', content/@type)"/>
    <xsl:for-each select="content/option">
      <xsl:choose><xsl:when test="position() = 1">: </xsl:when><xsl:otherwise> or </xsl:otherwise></xsl:choose>
      <xsl:value-of select="@value"/>
    </xsl:for-each>
    <xsl:choose>
      <xsl:when test="content/@default"><xsl:value-of select="concat(', default &quot;', content/@default, '&quot;')"/></xsl:when>
      <xsl:otherwise>, no default</xsl:otherwise>
    </xsl:choose>
    <xsl:text>)&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="action">
    <xsl:value-of select="concat('.TP&#10;.B ', @name)"/>
    <xsl:if test="@role"><xsl:value-of select="concat(' (', @role, ')')"/></xsl:if>
    <xsl:value-of select="concat('&#10;time-out ', @timeout)"/>
    <xsl:if test="@interval"><xsl:value-of select="concat(', interval ', @interval)"/></xsl:if>
    <xsl:text>&#10;</xsl:text>
  </xsl:template>

  <!-- Paragraphs are what stands between empty lines. -->
  <xsl:template name="text">
    <xsl:param name="of"/>
    <xsl:variable name="break" select="'&#10;&#10;'"/>
    <xsl:choose>
      <xsl:when test="contains($of, $break)">
        <xsl:value-of select="concat(normalize-space(substring-before($of, $break)), '&#10;.PP&#10;')"/>
        <xsl:call-template name="text"><xsl:with-param name="of" select="substring-after($of, $break)"/></xsl:call-template>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="concat(normalize-space($of), '&#10;')"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
